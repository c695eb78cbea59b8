"""The first look at a film: what should be shown is kept, that the best path may be found."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from livelens.clock import nanoseconds
from livelens.framing.geometry import Field, Rect, Shot, Target
from livelens.framing.motion import Motion
from livelens.framing.optimum import best_path

# A longer take is smoothed in parts that overlap, so that time and memory grow with its length
# and not faster. A camera has forgotten long before the end of an overlap where it came from.
_PART_NS = nanoseconds(120)
_OVERLAP_NS = nanoseconds(10)
# So long it may take until it is sure that borders are borders.
_UNSURE_NS = nanoseconds(1.5)
# Whoever edits films does not cut sooner than this without need.
_LEAST_SHOT_NS = nanoseconds(1)
# The field is another one when it has changed by more than this part of the viewport.
_OTHER_FIELD = 0.02


@dataclass(slots=True)
class Lookout:
    """Stands in for a camera: keeps what should be shown, and shows the widest shot meanwhile.

    Attributes:
        motion: of the camera it stands in for.
        fields, targets: of each frame so far, in the order of time.
    """

    motion: Motion
    fields: list[Field] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def see(self, where: Field, target: Target) -> None:
        """As of `Camera`."""
        same = bool(self.fields) and self.fields[-1] == where
        self.fields.append(self.fields[-1] if same else where)
        self.targets.append(target)

    def at(self, _pts_ns: int) -> Shot:
        """As of `Camera`."""
        where = self.fields[-1]
        return Shot(where.view(where.area.x, where.area.y, 1.0), False)

    def best(
        self, advance: Callable[[int], None] = lambda _: None
    ) -> dict[int, tuple[Field, Shot]]:
        """The best path, by time; `advance` is told how many frames more have theirs."""
        self._look_back()
        shots: list[Shot] = []
        for begin, end in self._takes():
            shots += self._path(begin, end, advance)
        times = (target.pts_ns for target in self.targets)
        return dict(zip(times, zip(self.fields, shots, strict=True), strict=True))

    def _look_back(self) -> None:
        """Leave borders out from when they were there, not from when that was sure."""
        for i in range(len(self.fields) - 1, 0, -1):
            before, after = self.fields[i - 1], self.fields[i]
            if before is after or self.targets[i].cut or not _borders(before, after):
                continue
            since_ns = self.targets[i].pts_ns - _UNSURE_NS
            for j in range(i - 1, -1, -1):
                target = self.targets[j]
                if self.fields[j] is not before or target.pts_ns < since_ns:
                    break
                size = min(target.size * before.widest / after.widest, after.largest)
                self.fields[j], self.targets[j] = after, replace(target, size=size)
                if target.cut:
                    break

    def _takes(self) -> Iterator[tuple[int, int]]:
        """Begin and end of each take; between two the camera need not pan."""
        begin = 0
        for i in range(1, len(self.targets)):
            if self.targets[i].cut or _another(self.fields[i - 1], self.fields[i]):
                yield begin, i
                begin = i
        yield begin, len(self.targets)

    def _path(self, begin: int, end: int, advance: Callable[[int], None]) -> list[Shot]:
        """The best path of one take."""
        shots: list[Shot] = []
        at = begin  # first frame that the next part knows of
        while True:
            until = self._after(at, _PART_NS, end)
            part = self._calm(at, until)
            known = len(shots) - (at - begin)  # frames that the part before knows, too
            shots[len(shots) - known :] = _joined(shots[len(shots) - known :], part[:known])
            shots += part[known:]
            advance(len(part) - known)
            if until == end:
                return shots
            at = max(self._after(until - 1, -_OVERLAP_NS, begin), at + 1)

    def _calm(self, begin: int, end: int) -> list[Shot]:
        """The best path of a part; a pan that is late at times is better than a row of cuts."""
        fields, targets = self.fields[begin:end], self.targets[begin:end]
        shots = best_path(fields, targets, self.motion)
        cuts = [target.pts_ns for shot, target in zip(shots, targets, strict=True) if shot.cut]
        if all(after - before >= _LEAST_SHOT_NS for before, after in pairwise(cuts)):
            return shots
        return best_path(fields, targets, replace(self.motion, cuts=False))

    def _after(self, index: int, span_ns: int, limit: int) -> int:
        """The frame so much later, or earlier, than one; not beyond the limit."""
        pts_ns = self.targets[index].pts_ns + span_ns
        place = bisect_left(self.targets, pts_ns, key=lambda target: target.pts_ns)
        return min(place, limit) if span_ns > 0 else max(place, limit)


def _joined(one: Sequence[Shot], other: Sequence[Shot]) -> list[Shot]:
    """From one path over to another over the same frames; the other begins with a cut."""
    count = len(one)
    cuts = [i for i in range(1, count) if one[i].cut or other[i].cut]
    if cuts:  # paths that cut at different times have nothing in common in between
        return [*one[: cuts[0]], Shot(other[cuts[0]].view, True), *other[cuts[0] + 1 :]]
    parts = [(i + 1) / (count + 1) for i in range(count)]
    return [
        Shot(_between(a.view, b.view, part * part * (3 - 2 * part)), a.cut)
        for a, b, part in zip(one, other, parts, strict=True)
    ]


def _between(one: Rect, other: Rect, part: float) -> Rect:
    return Rect(
        one.left + (other.left - one.left) * part,
        one.top + (other.top - one.top) * part,
        one.right + (other.right - one.right) * part,
        one.bottom + (other.bottom - one.bottom) * part,
    )


def _borders(before: Field, after: Field) -> bool:
    """Whether the one field is the other without borders."""
    whole, part = before.area, after.area
    # A smaller picture has no borders: it keeps its corner.
    corner = (whole.left, whole.top) == (part.left, part.top)
    smaller = corner and part.right < whole.right and part.bottom < whole.bottom
    same_shot = before.aspect == after.aspect and before.padding == after.padding
    return same_shot and not smaller and whole.intersection(part) == part


def _another(one: Field, other: Field) -> bool:
    """Whether a path cannot go on from one field to the other, of another picture say."""
    if one is other:
        return False
    apart = max(
        abs(one.area.left - other.area.left),
        abs(one.area.top - other.area.top),
        abs(one.area.right - other.area.right),
        abs(one.area.bottom - other.area.bottom),
    )
    return one.aspect != other.aspect or apart > _OTHER_FIELD * one.widest
