"""The exponential average with a dead zone, as simple cameras have it: to compare with."""

import math

from livelens.clock import NS_PER_S
from livelens.framing.geometry import Field, Rect, Shot, Target

# A frame of the systems that work by frames.
_FRAME_S = 1 / 30


class Average:
    """Goes a part of the way to the subject at each frame, unless that is near.

    Args:
        dead_zone_px: nearer than this is near.
        time_s: what remains of the way after this is 1/e.
    """

    def __init__(self, dead_zone_px: float = 10.0, time_s: float = 1.0) -> None:
        self._dead_zone_px = dead_zone_px
        self._time_s = time_s
        self._field: Field | None = None
        self._seen: dict[int, Target] = {}
        self._place: tuple[float, float, float] | None = None
        self._last_ns = 0

    def see(self, field: Field, target: Target) -> None:
        if field != self._field:
            self._field, self._place = field, None
        self._seen[target.pts_ns] = target

    def at(self, pts_ns: int) -> Shot:
        assert self._field is not None, "see first"
        known = [at_ns for at_ns in self._seen if at_ns <= pts_ns]
        target = self._seen[max(known)] if known else next(iter(self._seen.values()))
        self._seen = {at: each for at, each in self._seen.items() if at >= target.pts_ns}
        wanted = (target.x, target.y, min(target.size, self._field.largest))
        elapsed_s = (pts_ns - self._last_ns) / NS_PER_S
        self._last_ns = pts_ns
        cut = self._place is None or target.cut or elapsed_s <= 0
        if self._place is None or cut:
            self._place = wanted
        elif math.dist(self._place[:2], wanted[:2]) > self._dead_zone_px:
            part = 1 - math.exp(-elapsed_s / self._time_s)
            self._place = _between(self._place, wanted, part)
        return Shot(_inside(self._field, *self._place), cut)


def _between(
    here: tuple[float, float, float], there: tuple[float, float, float], part: float
) -> tuple[float, float, float]:
    x, y, size = (a + (b - a) * part for a, b in zip(here, there, strict=True))
    return x, y, size


def _inside(field: Field, x: float, y: float, size: float) -> Rect:
    width, height = field.size_px(size)
    left = min(max(x - width / 2, field.area.left), field.area.right - width)
    top = min(max(y - height / 2, field.area.top), field.area.bottom - height)
    return Rect(left, top, left + width, top + height)
