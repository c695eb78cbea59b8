"""What was seen of what should be shown, and where it will be next."""

import math
from bisect import bisect_right
from collections import deque

import numpy as np

from livelens.clock import NS_PER_S
from livelens.framing.cost import LEAST_SIZE, Vector
from livelens.framing.geometry import Field, Rect, Target

# What was seen before is of no use any more.
_KEPT_S = 1.5
# Over how long a speed is measured (but over so many frames), and how long it is thought to last.
_SPEED_S = 0.4
_SPEED_FRAMES = 3
_LASTS_S = 1.5
# A speed is tried against what came of it after so long; each time before counts so much less.
_PROOF_S = 0.4
_FORGET = 0.95
# Before there is proof: so much trust, and so strong (ways, in viewports).
_TRUST = 0.8
_STRENGTH = 0.02
# Farther from one frame to the next is a jump: viewports, and viewports per second between them.
_JUMP = (0.3, 4.0)
# Who jumps is believed to be there after so long: one bad frame is no jump.
_BELIEVED_S = 0.075
# Columns of the rows: time in s, then pixels, then the size.
_TIME, X, Y, LEFT, TOP, RIGHT, BOTTOM, SIZE = range(8)


class Track:
    """One stretch of time, in one field, without cuts. Times rise."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self._pts_ns: list[int] = []
        self._rows: Vector = np.zeros((64, 8))
        # Rows that are jumped to.
        self._jumps: list[int] = []
        self._trust = _Trust()

    @property
    def last_ns(self) -> int:
        return self._pts_ns[-1]

    @property
    def field(self) -> Field:
        """The newest."""
        return self.fields[-1]

    def add(self, field: Field, target: Target) -> None:
        """Later than all others; one of the same time takes its place."""
        if self._pts_ns and target.pts_ns == self._pts_ns[-1]:
            self._pts_ns.pop()
            self.fields.pop()
            if self._jumps and self._jumps[-1] == len(self._pts_ns):
                self._jumps.pop()
        count = len(self._pts_ns)
        if count == len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
        self._pts_ns.append(target.pts_ns)
        self.fields.append(field)
        self._rows[count] = (target.pts_ns / NS_PER_S, *sound(field, target))
        if count and _jumps(self._rows[count - 1].tolist(), self._rows[count].tolist(), field):
            self._jumps.append(count)

    def row(self, pts_ns: int) -> int:
        """Index of what was seen last at that time."""
        return max(bisect_right(self._pts_ns, pts_ns) - 1, 0)

    def has(self, pts_ns: int) -> bool:
        """Whether anything was seen at that time."""
        return self._pts_ns[self.row(pts_ns)] == pts_ns

    def believed(self, row: int) -> tuple[int, int]:
        """First and end of the rows without a jump around one; before it if it is a bad frame."""
        at = bisect_right(self._jumps, row)
        edges = [0, *self._jumps, len(self._pts_ns)]
        while at > 0:
            lasts_s = self._rows[edges[at + 1] - 1, _TIME] - self._rows[edges[at], _TIME]
            if lasts_s >= _BELIEVED_S:
                break
            at -= 1
        return edges[at], edges[at + 1]

    def seen(self, row: int) -> list[float]:
        """What was seen, by the columns of this module."""
        return self._rows[row].tolist()  # type: ignore[no-any-return]

    def forget(self, pts_ns: int) -> None:
        """What is of no use at that time any more."""
        if pts_ns - self._pts_ns[0] < 2 * _KEPT_S * NS_PER_S:
            return
        first = self.row(pts_ns - round(_KEPT_S * NS_PER_S))
        count = len(self._pts_ns) - first
        self._rows[:count] = self._rows[first : first + count].copy()
        del self._pts_ns[:first], self.fields[:first]
        self._jumps = [row - first for row in self._jumps if row > first]

    def foreseen(self, pts_ns: int, ahead_s: Vector) -> Vector:
        """(8, n) what will be shown so long after a time.

        What is known is known; after that it goes on at its speed, ever slower. No further than
        to a jump: no pan goes there, so none should begin.
        """
        first, end = self.believed(self.row(pts_ns))
        rows = self._rows[first:end]
        times = rows[:, _TIME]
        when = pts_ns / NS_PER_S + ahead_s
        last = float(times[-1])
        foreseen = np.repeat(rows[-1][:, np.newaxis], len(when), axis=1)
        if when[0] < last:
            for column in range(1, 8):
                foreseen[column] = np.interp(when, times, rows[:, column])
        since = when - last
        gone = np.where(since > 0, _LASTS_S * (1 - np.exp(-np.maximum(since, 0) / _LASTS_S)), 0.0)
        speed = self._speed(rows)
        begun_s = float(self._rows[self._jumps[-1], _TIME]) if self._jumps else 0.0
        speed_x, speed_y = self._trust.trusted(rows[-1], speed, self.field.widest, begun_s)
        foreseen[[X, LEFT, RIGHT]] += speed_x * gone
        foreseen[[Y, TOP, BOTTOM]] += speed_y * gone
        return foreseen

    def _speed(self, rows: Vector) -> Vector:
        """Of the middle lately, in pixels per second: by least squares."""
        count = len(rows)
        since = np.searchsorted(rows[:, _TIME], rows[-1, _TIME] - _SPEED_S)
        recent = rows[max(min(int(since), count - _SPEED_FRAMES), 0) :]
        times = recent[:, _TIME] - recent[:, _TIME].mean()
        spread = float(times @ times)
        if len(recent) < _SPEED_FRAMES or spread <= 0:
            return np.zeros(2)
        return np.asarray(times @ recent[:, X : Y + 1] / spread)


class _Trust:
    """How far the subject's speed can be trusted: as far as it has told the way lately.

    A walker goes on, a dancer is back soon: following the speed of the one is right, and of the
    other is worse than to stay.
    """

    def __init__(self) -> None:
        self._told: deque[tuple[float, Vector, Vector]] = deque()
        self._agreed: Vector = np.zeros(2)
        self._whole: Vector = np.zeros(2)
        self._begun_s = 0.0

    def trusted(self, row: Vector, speed: Vector, unit: float, begun_s: float) -> Vector:
        """The speed, or what is left of it.

        Args:
            row: what was seen last.
            speed: as measured, in pixels per second.
            unit: a viewport's width.
            begun_s: since when there was no jump.
        """
        now, place = float(row[_TIME]), row[X : Y + 1].copy()
        if begun_s != self._begun_s:
            self._begun_s = begun_s
            self._told.clear()
        if not self._told or now > self._told[-1][0]:
            self._told.append((now, place, speed * _PROOF_S))
        while self._told and self._told[0][0] <= now - _PROOF_S:
            _, before, told = self._told.popleft()
            self._agreed = _FORGET * self._agreed + told * (place - before)
            self._whole = _FORGET * self._whole + told * told
        doubt = (_STRENGTH * unit) ** 2
        trust = (self._agreed + _TRUST * doubt) / (self._whole + doubt)
        return np.asarray(speed * np.minimum(np.maximum(trust, 0.0), 1.0))


def _jumps(before: list[float], now: list[float], field: Field) -> bool:
    width, height = field.size_px(now[SIZE])
    most = _JUMP[0] + _JUMP[1] * (now[_TIME] - before[_TIME])
    return abs(now[X] - before[X]) > most * width or abs(now[Y] - before[Y]) > most * height


def sound(field: Field, target: Target) -> tuple[float, ...]:
    """The columns X to SIZE of a target: nothing that is no number, and nothing outside."""
    area = field.area
    x = target.x if math.isfinite(target.x) else area.x
    y = target.y if math.isfinite(target.y) else area.y
    x = min(max(x, area.left), area.right)
    y = min(max(y, area.top), area.bottom)
    keep = target.keep.intersection(area)
    if not all(map(math.isfinite, (keep.left, keep.top, keep.right, keep.bottom))):
        keep = Rect(x, y, x, y)
    size = target.size if math.isfinite(target.size) else 1.0
    size = min(max(size, LEAST_SIZE), field.largest)
    return x, y, keep.left, keep.top, keep.right, keep.bottom, size
