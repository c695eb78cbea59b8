"""The camera operator: keeps a subject in a viewport, smoothly.

Time is media time, never a count of frames: the operator thinks at ticks of its own, so that
it moves alike at any frame rate, and through dropped frames.
"""

import math

import numpy as np

from livelens.clock import NS_PER_S
from livelens.framing.axis import STEPS, Axis, tick_s
from livelens.framing.cost import LEAST_SIZE, MARGIN, PRICE_OF_CUT, Aims, Vector
from livelens.framing.geometry import Field, Rect, Shot, Target
from livelens.framing.motion import Motion
from livelens.framing.track import BOTTOM, LEFT, RIGHT, SIZE, TOP, Track, X, Y

# After such a gap in the timestamps nothing that was known is worth anything.
_GAP_NS = 2 * NS_PER_S
# The field is another one when it has changed by more than this part of the viewport.
_OTHER_FIELD = 0.02
# So far out, in viewports, is cut off.
_OUT = 0.01
# What is seen so far ahead is known, not guessed; then a cut may come before the subject is out.
_KNOWN_NS = 150_000_000
# After so many ticks it might come as well.
_LATER = (2, 4, 7, 11)
# A plan is kept to for so many ticks if there is no frame.
_PLANNED_TICKS = 5


class Operator:
    """Moves the viewport over one stream. Not for several threads at once.

    Args:
        motion: how it moves.
        start: where the camera looks before the first frame, if that is no cut; else it begins at
            the subject.
    """

    def __init__(self, motion: Motion, start: Rect | None = None) -> None:
        self._motion = motion
        self._start = start
        self._tick_s = tick_s(motion.pan)
        self._tick_ns = 0
        self._from_now_s = self._tick_s * np.arange(STEPS + 1.0)
        self._zoom = Axis(motion.zoom, self._tick_s)
        self._x = Axis(motion.pan, self._tick_s)
        self._y = Axis(motion.pan, self._tick_s)
        self._tracks: list[Track] = []
        self._track: Track | None = None
        self._last_ns = 0

    def see(self, field: Field, target: Target) -> None:
        """Learn what should be shown, in the order of time; ahead of `at` if frames are held.

        Times that go back, gaps, a cut and another field begin a new shot.
        """
        track = self._tracks[-1] if self._tracks else None
        if track is None and target.cut and self._motion.cuts:
            self._start = None
        if track is None or not self._goes_on(track, field, target):
            track = Track()
            self._tracks.append(track)
        track.add(field, target)

    def at(self, pts_ns: int) -> Shot:
        """Where it looks at a time that was seen; in the order of time.

        Raises:
            ValueError: nothing was seen.
        """
        track = self._now(pts_ns)
        row = track.row(pts_ns)
        field = track.fields[row]
        cut = not self._moved(track, row, pts_ns)
        view = self._view(field, pts_ns)
        if not cut and self._motion.cuts and self._lost(track, row, pts_ns, view):
            cut = True
            self._enter(track, row, pts_ns)
            view = self._view(field, pts_ns)
        self._last_ns = pts_ns
        track.forget(pts_ns)
        return Shot(view, cut)

    def _goes_on(self, track: Track, field: Field, target: Target) -> bool:
        if not 0 <= target.pts_ns - track.last_ns <= _GAP_NS:
            return False
        if target.cut and self._motion.cuts:
            return False
        return field == track.field or _alike(field, track.field)

    def _now(self, pts_ns: int) -> Track:
        """What belongs to that time; what was before is forgotten."""
        if not self._tracks:
            raise ValueError("a camera must see before it looks")
        later = [
            index
            for index, track in enumerate(self._tracks)
            if track is not self._track or pts_ns > self._last_ns
        ]
        chosen = next((index for index in later if self._tracks[index].has(pts_ns)), None)
        if chosen is None:
            stays = self._last_ns <= pts_ns <= self._tracks[0].last_ns
            chosen = 0 if stays or pts_ns == self._last_ns else len(self._tracks) - 1
        del self._tracks[:chosen]
        return self._tracks[0]

    def _moved(self, track: Track, row: int, pts_ns: int) -> bool:
        """Go on to that time; False for a new shot."""
        begins = track is not self._track
        field = track.fields[row]
        if not begins and 0 <= pts_ns - self._tick_ns <= _GAP_NS:
            return self._advanced(track, row, pts_ns)
        self._track, start, self._start = track, self._start, None
        if start is None:
            self._enter(track, row, pts_ns)
            return False
        self._tick_ns = pts_ns
        self._zoom.stand(math.log(max(start.width / field.widest, LEAST_SIZE)))
        self._x.stand(start.x)
        self._y.stand(start.y)
        self._plan(track, field)
        return True

    def _advanced(self, track: Track, row: int, pts_ns: int) -> bool:
        """Go on by ticks; False for a new shot."""
        tick_ns, field = round(self._tick_s * NS_PER_S), track.fields[row]
        ticks = (pts_ns - self._tick_ns) // tick_ns
        for left in reversed(range(ticks)):
            self._tick_ns += tick_ns
            for axis in (self._zoom, self._x, self._y):
                axis.advance()
            # Nothing has become known since the last plan but what is known now.
            if left % _PLANNED_TICKS == 0:
                self._plan(track, field)
        if ticks and self._dear(track) and self._best_now(track, field):
            self._enter(track, row, pts_ns)
            return False
        return True

    def _dear(self, track: Track) -> bool:
        """Whether what is known to come, not just foreseen, may be worth a cut."""
        if not self._motion.cuts or track.last_ns <= self._tick_ns + _KNOWN_NS:
            return False
        return self._x.planned_cost() + self._y.planned_cost() > PRICE_OF_CUT

    def _enter(self, track: Track, row: int, pts_ns: int) -> None:
        """Begin a shot at the subject."""
        field = track.fields[row]
        self._tick_ns = pts_ns
        foreseen = track.foreseen(pts_ns, self._from_now_s)
        size = _size_aims(field, foreseen)
        self._zoom.enter(size, 1.0)
        zooms = np.full(STEPS + 1, self._zoom.at(0.0))
        units = field.size_px(math.exp(zooms[0]))
        middles = _middle_aims(field, foreseen, zooms)
        for axis, aims, unit in zip((self._x, self._y), middles, units, strict=True):
            axis.enter(aims, unit)
        self._plan(track, field)

    def _plan(self, track: Track, field: Field) -> None:
        """Choose what to do until the next tick: the size first, since it says where edges are."""
        foreseen = track.foreseen(self._tick_ns, self._from_now_s[1:])
        self._zoom.plan(_size_aims(field, foreseen), 1.0)
        zooms = np.minimum(self._zoom.planned, math.log(field.largest))
        units = field.size_px(math.exp(min(self._zoom.at(0.0), zooms[0])))
        middles = _middle_aims(field, foreseen, zooms)
        for axis, aims, unit in zip((self._x, self._y), middles, units, strict=True):
            axis.plan(aims, unit)

    def _lost(self, track: Track, row: int, pts_ns: int, view: Rect) -> bool:
        """Whether the subject is cut off, and going on is worse than a cut."""
        seen = track.seen(min(row, track.believed(row)[1] - 1))
        across = _outside(seen[LEFT], seen[RIGHT], view.left, view.right)
        down = _outside(seen[TOP], seen[BOTTOM], view.top, view.bottom)
        if max(across, down) <= _OUT:
            return False
        # Think again, with all that is known.
        since_s = (pts_ns - self._tick_ns) / NS_PER_S
        self._tick_ns = pts_ns
        for axis in (self._zoom, self._x, self._y):
            axis.advance(since_s)
        if self._saved_by_cut(track, track.fields[row]) > PRICE_OF_CUT:
            return True
        self._plan(track, track.fields[row])
        return False

    def _best_now(self, track: Track, field: Field) -> bool:
        """Whether a cut is better at this tick than never, or at any later one that is known."""
        known = (track.last_ns - self._tick_ns) / NS_PER_S / self._tick_s
        later = [each for each in _LATER if each <= known]
        pairs = zip((self._x, self._y), *self._aims_from_now(track, field), strict=True)
        ways = [axis.ways(aims, unit, later) for axis, aims, unit in pairs]
        on, now = sum(each[0] for each in ways), sum(each[1] for each in ways)
        then = np.sum([each[2] for each in ways], axis=0)
        return on - now > PRICE_OF_CUT and bool((then > now).all())

    def _saved_by_cut(self, track: Track, field: Field) -> float:
        """What going on would cost more than a cut at this tick."""
        pairs = zip((self._x, self._y), *self._aims_from_now(track, field), strict=True)
        return sum(axis.saved_by_cut(aims, unit) for axis, aims, unit in pairs)

    def _aims_from_now(
        self, track: Track, field: Field
    ) -> tuple[tuple[Aims, Aims], tuple[float, float]]:
        """Of both axes, at this tick and the following ones, and the viewport's lengths."""
        foreseen = track.foreseen(self._tick_ns, self._from_now_s)
        zooms = np.full(STEPS + 1, self._zoom.at(0.0))
        return _middle_aims(field, foreseen, zooms), field.size_px(math.exp(zooms[0]))

    def _view(self, field: Field, pts_ns: int) -> Rect:
        """Never outside, whatever the plan was."""
        since_s = (pts_ns - self._tick_ns) / NS_PER_S
        zoom = min(max(self._zoom.at(since_s), math.log(LEAST_SIZE)), math.log(field.largest))
        return field.view(self._x.at(since_s), self._y.at(since_s), math.exp(zoom))


def _alike(one: Field, other: Field) -> bool:
    """Whether a viewport may go on from one field to the other."""
    most = _OTHER_FIELD * min(one.widest, one.highest)
    here, there = one.area, other.area
    edges = (
        (here.left, there.left),
        (here.top, there.top),
        (here.right, there.right),
        (here.bottom, there.bottom),
        (one.widest, other.widest),
        (one.highest, other.highest),
    )
    return all(abs(a - b) <= most for a, b in edges)


def _size_aims(field: Field, foreseen: Vector) -> Aims:
    needed = np.maximum(
        (foreseen[RIGHT] - foreseen[LEFT]) / field.widest,
        (foreseen[BOTTOM] - foreseen[TOP]) / field.highest,
    )
    largest = np.full_like(needed, field.largest)
    return Aims.of_size(foreseen[SIZE], needed * (1 + 2 * MARGIN), largest)


def _middle_aims(field: Field, foreseen: Vector, zooms: Vector) -> tuple[Aims, Aims]:
    """Across and down."""
    area = field.area
    largest = np.array([[field.widest], [field.highest]])
    views = np.minimum(np.exp(zooms) * largest, [[area.width], [area.height]])
    starts, ends = np.array([[area.left], [area.top]]), np.array([[area.right], [area.bottom]])
    # Both at once: with so few numbers a call costs more than what it counts.
    both = Aims.of_middle(
        foreseen[X : Y + 1],
        foreseen[LEFT : TOP + 1],
        foreseen[RIGHT : BOTTOM + 1],
        views,
        starts,
        ends,
    )
    return both.row(0), both.row(1)


def _outside(low: float, high: float, start: float, end: float) -> float:
    """How far a stretch is outside of a viewport, or that of it, in viewports; < 0 is inside."""
    one, other = start - low, high - end
    if high - low > end - start:
        one, other = -one, -other
    return max(one, other) / (end - start)
