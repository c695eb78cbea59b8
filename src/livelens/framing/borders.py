"""Black bars and flat borders around a picture, told from dark or empty scenes."""

from collections import deque
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.framing.geometry import Rect
from livelens.picture import Pixels

_EVERY_NS = NS_PER_S // 5
# A bar is believed when it was there for so long, in at least so many looks.
_SURE_NS, _SURE_LOOKS = round(0.75 * NS_PER_S), 3
_WINDOW_NS = NS_PER_S
# Black is up to this; its noise, and that of another colour, no more than these.
_BLACK, _NOISE_BLACK, _NOISE = 30, 12, 6
# Of a line of a bar, so much may differ: specks. And of all of it: text in a bar.
_SPECKS, _TEXT = 0.02, 0.1
# Where a bar ends so much of the line differs, at once: a bar ends straight, a sky does not. A
# bar that has none opposite must be clearer.
_STRAIGHT, _STRAIGHT_ALONE = 0.3, 0.6
_ABRUPT_PX = 3
_LEAST_PX = 2
# Rows of which columns are told.
_SAMPLES = 90
# Lines that are looked at first, where there may be a bar.
_FIRST_PX = 16

_Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Bar:
    """What one look found at one side.

    Attributes:
        depth: the bar has no more pixels than this.
        colour: brightness.
        straight: how much of the line where it ends differs; 0 if it does not end at once.
        sure: it is a bar, as far as one look can tell.
    """

    depth: int
    colour: int
    straight: float
    sure: bool = False


_Look = tuple[_Bar, _Bar, _Bar, _Bar]


class Borders:
    """Finds the part of the picture that shows something."""

    def __init__(self) -> None:
        self._size = 0, 0
        self._looked_ns: int | None = None
        self._looks: deque[tuple[int, _Look]] = deque()
        # Left, top, right, bottom.
        self._depths = [0, 0, 0, 0]

    @property
    def area(self) -> Rect:
        """The picture without its borders.

        A bar is left out when it was there for about a second, and shown again at once when
        something is in it.
        """
        (width, height), (left, top, right, bottom) = self._size, self._depths
        return Rect(float(left), float(top), float(width - right), float(height - bottom))

    def is_due(self, size_px: tuple[int, int], pts_ns: int) -> bool:
        """Whether to look at a picture of that size and time."""
        last_ns = self._looked_ns
        return size_px != self._size or last_ns is None or not 0 <= pts_ns - last_ns < _EVERY_NS

    def look(self, luma: Pixels, pts_ns: int) -> None:
        """Look at the brightness of a whole picture."""
        height, width = luma.shape
        if self._size != (width, height):
            self._size = width, height
            self._looks.clear()
            self._depths = [0, 0, 0, 0]
        self._looked_ns = pts_ns
        look = _look(luma)
        if look is not None:
            self._learn(look, pts_ns)

    def _learn(self, look: _Look, pts_ns: int) -> None:
        looks = self._looks
        if looks and pts_ns < looks[-1][0]:
            looks.clear()
        looks.append((pts_ns, look))
        while pts_ns - looks[0][0] > _WINDOW_NS and len(looks) > _SURE_LOOKS:
            looks.popleft()
        long = len(looks) >= _SURE_LOOKS and pts_ns - looks[0][0] >= _SURE_NS
        for side in range(4):
            bars = [each[side] for _, each in looks]
            depth = min(bar.depth for bar in bars)
            sure = sum(bar.sure and bar.depth <= depth + 1 for bar in bars)
            if depth < self._depths[side] - 1:
                self._depths[side] = depth if sure else 0
            elif depth > self._depths[side] + 1 and long and 2 * sure >= len(bars):
                self._depths[side] = depth


@dataclass(frozen=True, slots=True)
class _Lines:
    """Rows or columns of a picture, from one of its sides.

    Attributes:
        across: they are rows.
        back: the last one is the first.
    """

    pixels: Pixels
    across: bool
    back: bool

    @property
    def half(self) -> int:
        height, width = self.pixels.shape
        return max(1, int(height if self.across else width) // 2)

    def at(self, first: int, last: int) -> Pixels:
        """These of them, in the order of the picture."""
        here = slice(-last, -first or None) if self.back else slice(first, last)
        return self.pixels[here] if self.across else self.pixels[:, here]

    def shares(self, first: int, last: int, low: int, high: int) -> _Shares:
        """How much of each of these is not between two values."""
        within = cv2.inRange(self.at(first, last), max(low, 0), min(high, 255))
        means = cv2.reduce(within, int(self.across), cv2.REDUCE_AVG, dtype=cv2.CV_32F)
        shares = 1.0 - np.asarray(means, np.float64).ravel() / 255
        return shares[::-1] if self.back else shares


def _look(luma: Pixels) -> _Look | None:
    """Bars at the left, top, right and bottom; None where the picture does not show any."""
    down = _pair(luma, across=True)
    if down is None:
        return None
    top, bottom = down
    rows = luma[top.depth : luma.shape[0] - bottom.depth]
    step = max(1, len(rows) // _SAMPLES)
    across = _pair(rows[step // 2 :: step], across=False)
    if across is None:
        return None
    left, right = across
    return left, top, right, bottom


def _pair(pixels: Pixels, *, across: bool) -> tuple[_Bar, _Bar] | None:
    """The bars at both sides; None where a half of the picture shows nothing at all."""
    one = _bar(_Lines(pixels, across, back=False))
    other = _bar(_Lines(pixels, across, back=True))
    if one is None or other is None:
        return None
    alike = (
        abs(one.depth - other.depth) <= max(4.0, 0.1 * max(one.depth, other.depth))
        and abs(one.colour - other.colour) <= _NOISE
        and min(one.straight, other.straight) >= _STRAIGHT
    )
    return _judged(one, alike=alike), _judged(other, alike=alike)


def _judged(bar: _Bar, *, alike: bool) -> _Bar:
    alone = bar.colour <= _BLACK and bar.straight >= _STRAIGHT_ALONE
    return replace(bar, sure=bar.depth >= _LEAST_PX and (alike or alone))


def _bar(lines: _Lines) -> _Bar | None:
    colour = int(np.median(lines.at(0, 1)))
    noise = _NOISE_BLACK if colour <= _BLACK else _NOISE
    low, high, half = colour - noise, colour + noise, lines.half
    differs = lines.shares(0, 1, low, high)
    if differs[0] > _SPECKS:
        return _Bar(0, colour, 0.0)  # as in nearly all pictures: the rest need not be looked at
    while len(differs) < half and np.count_nonzero(differs >= _STRAIGHT) < _ABRUPT_PX:
        last = min(half, 2 * len(differs) + _FIRST_PX)
        differs = np.concatenate((differs, lines.shares(len(differs), last, low, high)))
    specked = differs > _SPECKS
    if not specked.any():
        return None
    first = int(specked.argmax())
    shows = differs >= _STRAIGHT
    end = int(shows.argmax()) if shows.any() else first
    before = differs[max(0, end - _ABRUPT_PX) : max(0, end - 1)]
    if shows.any() and (not len(before) or before.max() <= 2 * _SPECKS):
        text = float(differs[:end].mean()) if end else 0.0
        if text <= _TEXT:
            return _Bar(end, colour, float(differs[end : end + _ABRUPT_PX].max()))
    return _Bar(first, colour, 0.0)
