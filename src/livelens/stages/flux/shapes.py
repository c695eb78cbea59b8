"""Lines, zones and the grid as users write them."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Point = tuple[float, float]
Units = Literal["px", "fraction"]
Points = NDArray[np.float64]

# Coordinates beyond any picture are a mistake, and would cost memory.
_FARTHEST_PX = 100_000


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line to be crossed. Who looks from its start to its end sees "in" go to the left.

    Attributes:
        name: unique among the lines.
        start, end: [x, y].
    """

    name: Name
    start: Point
    end: Point

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError(f"the line {self.name!r} ends where it starts")


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An area to be in.

    Attributes:
        name: unique among the zones.
        polygon: [[x, y], …], three corners or more.
    """

    name: Name
    polygon: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3, max_length=1000)]


class Grid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Square cells over the whole picture.

    Attributes:
        cell_px: their side.
        period_s: what is told is of so much time up to now.
        report_s: how often it is told; it is too much for every message.
    """

    cell_px: Annotated[int, msgspec.Meta(ge=16, le=10000)] = 70
    period_s: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 30.0
    report_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0


def check(lines: Sequence[Line], zones: Sequence[Zone], units: Units) -> None:
    """Refuses what cannot be meant.

    Raises:
        ValueError: two of a name, or a coordinate that no picture has.
    """
    for what, shapes in (("lines", lines), ("zones", zones)):
        names = [shape.name for shape in shapes]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"two {what} are called {twice[0]!r}")
    limit = 1.0 if units == "fraction" else _FARTHEST_PX
    for shape, points in [
        *((line.name, (line.start, line.end)) for line in lines),
        *((zone.name, zone.polygon) for zone in zones),
    ]:
        for x, y in points:
            if not (abs(x) <= limit and abs(y) <= limit):
                why = "units: fraction wants 0 to 1" if units == "fraction" else "no picture has it"
                raise ValueError(f"{shape!r}: [{x:g}, {y:g}]: {why}")


def in_pixels(points: Sequence[Point], units: Units, size_px: tuple[int, int]) -> Points:
    """(n, 2) pixels of a picture of that size."""
    scale = np.array(size_px if units == "fraction" else (1, 1), dtype=float)
    placed: Points = np.array(points, dtype=float) * scale
    return placed
