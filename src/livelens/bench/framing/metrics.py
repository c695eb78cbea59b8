"""What makes a good path of a viewport, in numbers. Pure arithmetic.

Lengths are told in widths of the viewport. Derivatives are divided differences of the
viewport's middle over consecutive frames (for the jerk, six times the third divided
difference over four frames), so that uneven times do no harm. None of them reaches across a
cut: how a camera moves is judged within shots, and its cuts are counted.
"""

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Slower than this, in widths of the viewport per second, is standing still.
STILL_PER_S = 0.01
# A box may be cut by so much: viewports are shown in whole pixels.
_TOLERANCE_PX = 0.5


@dataclass(frozen=True, slots=True)
class Path:
    """Where a camera looked.

    Attributes:
        times_s: of the frames, growing.
        views: (n, 4) corners of the viewport in pixels.
        cuts: whether it jumped there; true at the first frame, which is no cut.
        width_px: of the viewport, to measure lengths by.
        free: whether it could move sideways, and up and down.
    """

    times_s: Array
    views: Array
    cuts: Mask
    width_px: float
    free: tuple[bool, bool]

    @property
    def middles(self) -> Array:
        """(n, 2) in pixels."""
        return (self.views[:, :2] + self.views[:, 2:]) / 2


def inside(path: Path, boxes: Array) -> float | None:
    """Share of the frames that show the whole box, among those that can.

    Args:
        boxes: (n, 4) corners in pixels, NaN where there is none.
    """
    size = path.views[:, 2:] - path.views[:, :2]
    fits = (boxes[:, 2:] - boxes[:, :2] <= size).all(axis=1)
    if not fits.any():
        return None
    return float(shown(path, boxes)[fits].mean())


def shown(path: Path, boxes: Array) -> Mask:
    """Whether the whole box is in the viewport, frame by frame."""
    after = (boxes[:, :2] >= path.views[:, :2] - _TOLERANCE_PX).all(axis=1)
    before = (boxes[:, 2:] <= path.views[:, 2:] + _TOLERANCE_PX).all(axis=1)
    return np.asarray(after & before)


def centre_error(path: Path, boxes: Array) -> float | None:
    """Mean distance of the viewport's middle from the box's, in the directions it is free in."""
    away = path.middles - (boxes[:, :2] + boxes[:, 2:]) / 2
    far = np.hypot(*(away * path.free).T)
    known = ~np.isnan(far)
    return float(far[known].mean() / path.width_px) if known.any() else None


def still(path: Path) -> float | None:
    """Share of the steps between frames in which no edge moves; steps over a cut left out."""
    moved = np.abs(np.diff(path.views, axis=0)).max(axis=1)
    speed = moved / np.diff(path.times_s) / path.width_px
    within = ~path.cuts[1:]
    return float((speed[within] < STILL_PER_S).mean()) if within.any() else None


def rms(path: Path, order: int) -> float | None:
    """Root of the mean square of a derivative of the viewport's middle.

    Args:
        order: 2 is the acceleration, 3 the jerk.
    """
    values, _ = derivative(path, order)
    return float(np.sqrt(np.mean(values**2))) if len(values) else None


def derivative(path: Path, order: int) -> tuple[Array, Array]:
    """Size of a derivative of the viewport's middle, and the middle of the frames behind it."""
    times = path.times_s
    if len(times) <= order:
        return np.empty(0), np.empty(0)
    divided = path.middles / path.width_px
    for step in range(1, order + 1):
        divided = np.diff(divided, axis=0) / (times[step:] - times[:-step])[:, None]
    across = np.lib.stride_tricks.sliding_window_view(path.cuts[1:], order).any(axis=1)
    around = (times[order:] + times[:-order]) / 2
    size = np.hypot(*divided.T) * factorial(order)
    return size[~across], around[~across]


def cuts(path: Path) -> int:
    """How often it jumped."""
    return int(path.cuts[1:].sum())
