"""Crossings of lines by paths: each once, however long somebody trembles on the line."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.stages.flux.shapes import Line, Points

Direction = Literal["in", "out"]

# Only who is this part of his own size beyond the line, for so long or at once this many times
# as far, has left it behind: boxes of those who stand on it tremble.
_BEYOND = 0.1
_BEYOND_PX = (2.0, 20.0)
_FOR_NS = 3 * NS_PER_S // 20
_FAR = 3.0
# Who disappears from the picture need not be as far.
_LAST_BEYOND = 0.3


@dataclass(slots=True)
class _Way:
    """Where an object is, seen from a line.

    Attributes:
        side: +1 or -1, on the left or the right of it, last time that was beyond doubt;
            0 before.
        at: signed distance of the latest anchor.
        anchor: (2,) that anchor.
        met: where on the line its path last changed sides, 0 at the start, 1 at the end.
        since_ns: since when it is beyond the line without a break.
    """

    side: int
    at: float
    anchor: NDArray[np.float64]
    met: float | None = None
    since_ns: int | None = None


class LineCount:
    """Counts over one line.

    Args:
        line: as the user wrote it.
        ends: (2, 2) start and end in pixels.
    """

    def __init__(self, line: Line, ends: Points) -> None:
        self.name = line.name
        # Of objects that are gone, by direction and class; of the others, who crossed how.
        self._counts: Counter[tuple[Direction, str]] = Counter()
        self._crossed: dict[int, list[Direction]] = {}
        self._names: dict[int, str] = {}
        self.move(ends)

    def move(self, ends: Points) -> None:
        """Go on counting elsewhere: all paths begin anew."""
        for number in list(self._crossed):
            self._settle(number)
        self._start = ends[0]
        self._along = ends[1] - ends[0]
        self._length = float(np.linalg.norm(self._along))
        self._ways: dict[int, _Way] = {}

    def see(
        self,
        number: int,
        class_name: str,
        anchor: NDArray[np.float64],
        size_px: float,
        pts_ns: int,
    ) -> None:
        """Take where an object is now, and what it is called by now."""
        if number in self._crossed:
            self._names[number] = class_name
        at = self._distance(anchor)
        beyond = float(np.clip(_BEYOND * size_px, *_BEYOND_PX))
        way = self._ways.get(number)
        if way is None:
            side = int(np.sign(at)) if abs(at) >= beyond else 0
            self._ways[number] = _Way(side, at, anchor)
            return
        if (way.at < 0) != (at < 0):
            share = way.at / (way.at - at) if way.at != at else 0.5
            way.met = self._place(way.anchor + share * (anchor - way.anchor))
            way.since_ns = None
        way.at, way.anchor = at, anchor
        if abs(at) < beyond:
            way.since_ns = None
            return
        if way.since_ns is None:
            way.since_ns = pts_ns
        if abs(at) >= _FAR * beyond or pts_ns - way.since_ns >= _FOR_NS:
            side = int(np.sign(at))
            if side == -way.side:
                self._cross(number, way, class_name, size_px)
            way.side, way.met = side, None

    def leave(self, number: int, class_name: str, size_px: float) -> None:
        """An object will not come back: who was last seen on the other side has crossed."""
        way = self._ways.pop(number, None)
        beyond = _LAST_BEYOND * float(np.clip(_BEYOND * size_px, *_BEYOND_PX))
        if way is not None and way.side and -way.side * way.at >= beyond:
            self._cross(number, way, class_name, size_px)
        self._settle(number)

    def told(self) -> dict[str, object]:
        """Name and counts by class in both directions.

        An object counts as what it is called by now: a car that was taken for a bus when it
        crossed moves from there to here.
        """
        counts = self._counts.copy()
        for number, directions in self._crossed.items():
            for direction in directions:
                counts[direction, self._names[number]] += 1
        inwards: dict[str, int] = {}
        outwards: dict[str, int] = {}
        for (direction, name), count in counts.items():
            (inwards if direction == "in" else outwards)[name] = count
        return {"name": self.name, "in": inwards, "out": outwards}

    def _cross(self, number: int, way: _Way, class_name: str, size_px: float) -> None:
        # Past its ends there is no line; a quarter of a size beyond is still over it.
        slack = size_px / 4 / self._length
        if way.met is None or not -slack <= way.met <= 1 + slack:
            return
        self._crossed.setdefault(number, []).append("in" if way.side < 0 else "out")
        self._names[number] = class_name

    def _settle(self, number: int) -> None:
        name = self._names.pop(number, "")
        for direction in self._crossed.pop(number, []):
            self._counts[direction, name] += 1

    def _distance(self, anchor: NDArray[np.float64]) -> float:
        """From the line's continuation, positive on the left as seen from start to end."""
        x, y = anchor - self._start
        along_x, along_y = self._along
        return float(along_y * x - along_x * y) / self._length

    def _place(self, point: NDArray[np.float64]) -> float:
        return float((point - self._start) @ self._along) / self._length**2
