"""Crossings, velocity and occupation of every cell of a grid, over a sliding period."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from livelens.clock import nanoseconds
from livelens.stages.flux.shapes import Grid

# The period slides in so many steps: what is older than a whole one leaves with its step.
_STEPS = 30

Cells = NDArray[np.float64]


@dataclass(slots=True)
class _Step:
    """What happened in one step of the period.

    Attributes:
        began_ns: its first frame.
        frames: how many.
        crossings: (rows, columns, 2) entries into the cell over a vertical side, and over a
            horizontal one.
        motion: (rows, columns, 2) sum of velocities of the objects in the cell, px/s.
        seen: (rows, columns) objects in that sum.
        occupied: (rows, columns) frames on which a box lay over the middle of the cell.
    """

    began_ns: int
    crossings: Cells
    motion: Cells
    seen: Cells
    occupied: Cells
    frames: int = field(default=0)


class GridCount:
    """The grid of a picture.

    Args:
        grid: as the user wrote it.
        size_px: of the picture.
    """

    def __init__(self, grid: Grid, size_px: tuple[int, int]) -> None:
        self._grid = grid
        self._size_px = size_px
        width, height = size_px
        self._columns = max(1, -(-width // grid.cell_px))
        self._rows = max(1, -(-height // grid.cell_px))
        self._steps: deque[_Step] = deque()
        self._step_ns = nanoseconds(grid.period_s) // _STEPS
        self._anchors: dict[int, NDArray[np.float64]] = {}
        self._reported_ns: int | None = None

    def begin(self, pts_ns: int) -> None:
        """A frame begins."""
        if not self._steps or pts_ns - self._steps[-1].began_ns >= self._step_ns:
            shape = (self._rows, self._columns)
            self._steps.append(
                _Step(
                    pts_ns,
                    np.zeros((*shape, 2)),
                    np.zeros((*shape, 2)),
                    np.zeros(shape),
                    np.zeros(shape),
                )
            )
            while len(self._steps) > _STEPS:
                self._steps.popleft()
        while pts_ns - self._steps[0].began_ns > nanoseconds(self._grid.period_s):
            self._steps.popleft()
        self._steps[-1].frames += 1

    def occupy(self, boxes: NDArray[np.float64]) -> None:
        """Take all boxes of the frame, (n, 4)."""
        middles_x = (np.arange(self._columns) + 0.5) * self._grid.cell_px
        middles_y = (np.arange(self._rows) + 0.5) * self._grid.cell_px
        covered = np.zeros((self._rows, self._columns), dtype=bool)
        for left, top, right, bottom in boxes:
            inside_x = (middles_x >= left) & (middles_x <= right)
            covered |= ((middles_y >= top) & (middles_y <= bottom))[:, None] & inside_x
        self._steps[-1].occupied += covered

    def see(self, number: int, anchor: NDArray[np.float64], flow: tuple[float, float]) -> None:
        """Take where an object is, and how it moves in px/s."""
        step = self._steps[-1]
        row, column = self._cell(anchor)
        step.motion[row, column] += flow
        step.seen[row, column] += 1
        last = self._anchors.get(number)
        self._anchors[number] = anchor
        if last is None:
            return
        last_row, last_column = self._cell(last)
        # A path over several cells enters each of them.
        for over in _between(last_column, column):
            step.crossings[row, over, 0] += 1
        for over in _between(last_row, row):
            step.crossings[over, column, 1] += 1

    def leave(self, number: int) -> None:
        """An object will not come back."""
        self._anchors.pop(number, None)

    def report(self, pts_ns: int) -> dict[str, object] | None:
        """What the period gives, when it is time to tell it."""
        due_ns = nanoseconds(self._grid.report_s)
        if self._reported_ns is not None and pts_ns - self._reported_ns < due_ns:
            return None
        self._reported_ns = pts_ns
        crossings = np.sum([step.crossings for step in self._steps], axis=0)
        motion = np.sum([step.motion for step in self._steps], axis=0)
        seen = np.sum([step.seen for step in self._steps], axis=0)
        occupied = np.sum([step.occupied for step in self._steps], axis=0)
        frames = max(1, sum(step.frames for step in self._steps))
        velocity = motion / np.maximum(seen, 1)[..., None]
        width, height = self._size_px
        return {
            "grid_data": {
                "x_start": 0,
                "x_end": width,
                "y_start": 0,
                "y_end": height,
                "step": self._grid.cell_px,
            },
            "period": self._grid.period_s,
            "flux": crossings.astype(int).tolist(),
            "velocity": np.round(velocity, 1).tolist(),
            "occupation": np.round(100 * occupied / frames, 1).tolist(),
        }

    def _cell(self, anchor: NDArray[np.float64]) -> tuple[int, int]:
        column, row = (anchor // self._grid.cell_px).astype(int)
        return min(max(int(row), 0), self._rows - 1), min(max(int(column), 0), self._columns - 1)


def _between(last: int, now: int) -> range:
    """The cells entered on the way from one to the other."""
    return range(last + 1, now + 1) if now > last else range(now, last)
