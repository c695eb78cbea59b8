"""The exponential average with a dead zone, as simple cameras have it: to compare with."""

from livelens.clock import NS_PER_S
from livelens.framing.geometry import Field, Shot, Target
from livelens.framing.track import SIZE, X, Y, sound


class Average:
    """Goes a part of the way to the subject at each frame, unless that is near.

    Args:
        dead_zone_px: nearer than this is near, across and down each.
        time_s: the part is a frame's time by this; at 30 frames per second, 1/30 by default.
    """

    def __init__(self, dead_zone_px: float = 10.0, time_s: float = 1.0) -> None:
        self._dead_zone_px = dead_zone_px
        self._time_s = time_s
        self._field: Field | None = None
        self._seen: dict[int, tuple[Field, Target]] = {}
        self._place: tuple[float, float, float] | None = None
        self._last_ns = 0

    def see(self, field: Field, target: Target) -> None:
        """Learn what should be shown."""
        self._seen[target.pts_ns] = field, target

    def at(self, pts_ns: int) -> Shot:
        """Where it looks; it makes nothing of what was seen ahead."""
        field, target = seen_at(self._seen, pts_ns)
        columns = sound(field, target)
        wanted = columns[X - 1], columns[Y - 1], columns[SIZE - 1]
        elapsed_s = (pts_ns - self._last_ns) / NS_PER_S
        place = self._place
        cut = place is None or target.cut or elapsed_s < 0 or field != self._field
        if place is None or cut:
            place = wanted
        else:
            part = min(max(elapsed_s / self._time_s, 0.01), 1.0)
            x, y, size = (
                here + (there - here) * part * (abs(there - here) >= near)
                for here, there, near in zip(
                    place, wanted, (self._dead_zone_px, self._dead_zone_px, 0.0), strict=True
                )
            )
            place = x, y, size
        self._place, self._field, self._last_ns = place, field, pts_ns
        return Shot(field.view(*place), cut)


def seen_at(seen: dict[int, tuple[Field, Target]], pts_ns: int) -> tuple[Field, Target]:
    """What was seen last at a time; what was before is forgotten.

    Raises:
        ValueError: nothing was seen.
    """
    if not seen:
        raise ValueError("a camera must see before it looks")
    if pts_ns not in seen:
        pts_ns = max((at for at in seen if at <= pts_ns), default=next(iter(seen)))
    for at in list(seen):
        if at == pts_ns:
            break
        del seen[at]
    return seen[pts_ns]
