"""Places on the globe, and how long light in a fibre takes between two of them."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from trimtab.estate.quantity import parse_float

EARTH_RADIUS_KM = 6371.0
FIBRE_KM_PER_S = 200_000.0
# Cables are no great circles: measured paths between large sites are about 1.4 times as long.
PATH_STRETCH = 1.4


def _place(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("a place is [latitude, longitude]: `[22.3, 114.2]`")
    lat, lon = parse_float(value[0]), parse_float(value[1])
    if abs(lat) > 90 or abs(lon) > 180:
        raise ValueError("latitude goes from -90 to 90, longitude from -180 to 180")
    return lat, lon


Place = Annotated[
    tuple[float, float],
    BeforeValidator(_place),
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
]


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance (haversine)."""
    lat1, lon1, lat2, lon2 = map(radians, (*a, *b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, h)))


def round_trip(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Seconds there and back, from the distance alone."""
    return 2 * distance_km(a, b) * PATH_STRETCH / FIBRE_KM_PER_S
