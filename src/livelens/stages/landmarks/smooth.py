"""Keeps points still that do not move, without making moving ones late.

Source: Casiez, Roussel and Vogel, "1 € filter: a simple speed-based low-pass filter for
noisy input in interactive systems", 2012. Time is media time, so that dropped frames
weigh what they lasted.
"""

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


class Smoother:
    """A 1 € filter for the points of one object.

    Args:
        cutoff_hz: of points at rest; lower is calmer.
        beta: how much the cutoff rises with speed, in Hz for one object size a second.
        speed_cutoff_hz: of the measured speed.
    """

    def __init__(
        self, cutoff_hz: float = 0.3, beta: float = 40.0, speed_cutoff_hz: float = 1.0
    ) -> None:
        self._cutoff = cutoff_hz
        self._beta = beta
        self._speed_cutoff = speed_cutoff_hz
        self._points: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] = np.zeros(())
        self._pts_ns = 0

    def __call__(self, points: Points, pts_ns: int, size: float) -> Points:
        """The points of a frame, smoothed.

        Args:
            points: (n, k) in any unit.
            pts_ns: media time of the frame.
            size: of the object, in the same unit: speed counts in parts of it.
        """
        now = points.astype(np.float64)
        elapsed_s = (pts_ns - self._pts_ns) / 1e9
        if self._points is None or self._points.shape != now.shape or elapsed_s <= 0:
            self._points, self._speed, self._pts_ns = now, np.zeros_like(now), pts_ns
            return points
        speed = (now - self._points) / (max(size, 1e-6) * elapsed_s)
        self._speed += _weight(self._speed_cutoff, elapsed_s) * (speed - self._speed)
        cutoff = self._cutoff + self._beta * np.abs(self._speed)
        self._points = self._points + _weight(cutoff, elapsed_s) * (now - self._points)
        self._pts_ns = pts_ns
        return self._points.astype(np.float32)


def _weight(cutoff_hz: float | NDArray[np.float64], elapsed_s: float) -> NDArray[np.float64]:
    """Share of the new value in an exponential filter of that cutoff."""
    turns = 2 * math.pi * np.asarray(cutoff_hz) * elapsed_s
    return np.asarray(turns / (turns + 1))
