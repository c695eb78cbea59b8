"""A filter that calms what rests without making late what moves.

Source: Casiez, Roussel and Vogel, "1 € filter: a simple speed-based low-pass filter for
noisy input in interactive systems", 2012. Time is media time, so that dropped frames
weigh what they lasted.
"""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class OneEuroFilter:
    """Of values that move together.

    Args:
        cutoff_hz: at rest; lower is calmer.
        beta: how much the cutoff rises with speed, in Hz for one size a second.
        speed_cutoff_hz: of the measured speed.
    """

    def __init__(self, cutoff_hz: float, beta: float, speed_cutoff_hz: float = 1.0) -> None:
        self._cutoff = cutoff_hz
        self._beta = beta
        self._speed_cutoff = speed_cutoff_hz
        self._values: Values | None = None
        self._speed: Values = np.zeros(())
        self._pts_ns = 0

    def __call__(self, now: Values, pts_ns: int, size: float | Values = 1.0) -> Values:
        """The values of a time, smoothed; it begins anew when time does not go on.

        Args:
            now: in any unit.
            pts_ns: media time.
            size: speed counts in parts of it.
        """
        elapsed_s = (pts_ns - self._pts_ns) / 1e9
        self._pts_ns = pts_ns
        if self._values is None or self._values.shape != now.shape or elapsed_s <= 0:
            self._values, self._speed = now, np.zeros_like(now)
            return now
        speed = (now - self._values) / (np.maximum(size, 1e-6) * elapsed_s)
        self._speed = self._speed + _weight(self._speed_cutoff, elapsed_s) * (speed - self._speed)
        cutoff = self._cutoff + self._beta * np.abs(self._speed)
        self._values = self._values + _weight(cutoff, elapsed_s) * (now - self._values)
        return self._values


def _weight(cutoff_hz: float | Values, elapsed_s: float) -> Values:
    """Share of the new value in an exponential filter of that cutoff."""
    turns = 2 * math.pi * np.asarray(cutoff_hz) * elapsed_s
    return np.asarray(turns / (turns + 1))
