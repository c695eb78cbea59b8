"""Keeps points still that do not move, without making moving ones late."""

import numpy as np
from numpy.typing import NDArray

from livelens.one_euro import OneEuroFilter

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
        self._filter = OneEuroFilter(cutoff_hz, beta, speed_cutoff_hz)

    def __call__(self, points: Points, pts_ns: int, size: float) -> Points:
        """The points of a frame, smoothed.

        Args:
            points: (n, k) in any unit.
            pts_ns: media time of the frame.
            size: of the object, in the same unit: speed counts in parts of it.
        """
        return self._filter(points.astype(np.float64), pts_ns, size).astype(np.float32)
