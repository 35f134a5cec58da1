"""Which site answers a client, where DNS picks it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trimtab.estate.base import Noun, Reference, RegionName
from trimtab.estate.quantity import Bool, Duration, Int

Policy = Literal["distance", "latency", "geography", "weight", "failover"]
# What a policy reads besides the sites' places; no other policy has it.
TABLES: dict[str, str] = {"geography": "regions", "weight": "weights", "failover": "order"}


class Steering(Noun):
    """One policy and its table. Checks judge it; this release renders no DNS server yet."""

    policy: Policy
    ttl: Duration = Field(default=30.0, ge=1, le=604800, description="how long resolvers keep an answer")
    fast: Bool = Field(default=False, description="answer from live health instead of from the file")
    regions: dict[RegionName, Annotated[tuple[Reference, ...], Field(min_length=1)]] = Field(
        default={}, description="geography: region: its sites, best first"
    )
    weights: dict[Reference, Int] = Field(default={}, description="weight: site: share")
    order: tuple[Reference, ...] = Field(default=(), description="failover: sites, first choice first")

    @model_validator(mode="before")
    @classmethod
    def _the_policys_table(cls, data: Any) -> Any:
        if isinstance(data, dict):
            wanted = TABLES.get(str(data.get("policy")))
            for key in TABLES.values():
                if key in data and key != wanted:
                    raise ValueError(f"`{key}` means nothing to the policy `{data.get('policy')}`")
            if wanted and not data.get(wanted):
                raise ValueError(f"the policy `{data.get('policy')}` needs `{wanted}`")
        return data

    @model_validator(mode="after")
    def _each_site_once(self) -> Steering:
        for sites in (self.order, *self.regions.values()):
            twice = next((site for i, site in enumerate(sites) if site in sites[:i]), None)
            if twice is not None:
                raise ValueError(f"`{twice}` stands in one list twice")
        return self

    @model_validator(mode="after")
    def _weights_weigh(self) -> Steering:
        if self.weights and (min(self.weights.values()) < 0 or not sum(self.weights.values())):
            raise ValueError("weights are 0 or more, and at least one is not 0")
        return self
