from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.estate.json_schema import estate_schema
from trimtab.estate.load import load_estate, read_estate

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/estate.yaml"))


def test_the_schema_says_defaults_as_a_person_would() -> None:
    timeouts = estate_schema()["$defs"]["Timeouts"]["properties"]
    assert timeouts["client"]["default"] == "30s"
    assert timeouts["client"]["type"] == "string"


def test_the_schema_refuses_unknown_keys() -> None:
    schema = estate_schema()
    assert schema["additionalProperties"] is False
    assert all(
        d.get("additionalProperties") is False for d in schema["$defs"].values() if d.get("type") == "object"
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_every_example_loads(path: Path) -> None:
    assert load_estate(path).estate == path.parent.name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.parent.name)
def test_the_order_of_a_map_means_nothing(path: Path) -> None:
    import yaml

    tree = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    turned = yaml.safe_dump(_turned(tree), sort_keys=False)
    from trimtab.daemons.rendered import render_host
    from trimtab.estate.inventory import Inventory

    def files(text: str) -> dict[str, object]:
        inventory = Inventory(read_estate(text)[0])
        return {h.name: render_host(inventory, h) for h in inventory.hosts}

    assert files(turned) == files(path.read_text())


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    return [_turned(v) for v in value] if isinstance(value, list) else value


def test_a_role_may_have_an_entry_with_just_its_hardware() -> None:
    from tests.estate.make import SMALL, estate
    from trimtab.estate.inventory import Inventory

    text = (
        SMALL
        + "hardware: {web: {cores: 8, memory: 64GB, nic: 2 x 25Gbps}}\ngroups: {backend: {hardware: web}}\n"
    )
    found = estate(text)
    assert (found.groups["backend"].id, found.groups["backend"].roles) == (0, ("backend",))
    assert Inventory(found).hosts == Inventory(estate()).hosts
    assert estate_schema()["$defs"]["Group"].get("required", []) == []


def test_an_objective_of_a_service_wins_and_a_peak_is_never_inherited() -> None:
    from tests.estate.make import SMALL, estate

    text = SMALL.replace("routes:", "objectives: {latency: {p99: 1s}}\n    routes:")
    text += (
        "objectives: {rto: 5s, availability: 99.9%, latency: {p99: 2s, p50: 1s}, peak: {requests: 1k/s}}\n"
    )
    found = estate(text)
    merged = found.services["www"].objectives.over(found.objectives)
    assert (merged.rto, merged.availability, merged.peak) == (5.0, 99.9, None)
    assert merged.latency == {"p99": 1.0, "p50": 1.0}
