"""The 1 € filter as a camera: to compare with."""

import numpy as np

from livelens.framing.average import seen_at
from livelens.framing.geometry import Field, Shot, Target
from livelens.framing.track import SIZE, X, Y, sound
from livelens.one_euro import OneEuroFilter


class OneEuro:
    """Shows the filtered place of the subject.

    Args:
        cutoff_hz: while the subject rests; lower is calmer.
        beta: how much the cutoff rises with speed, in Hz for one viewport a second.
    """

    def __init__(self, cutoff_hz: float = 0.2, beta: float = 1.0) -> None:
        self._settings = cutoff_hz, beta
        self._filter = OneEuroFilter(cutoff_hz, beta)
        self._field: Field | None = None
        self._seen: dict[int, tuple[Field, Target]] = {}
        self._last_ns = 0

    def see(self, field: Field, target: Target) -> None:
        """Learn what should be shown."""
        self._seen[target.pts_ns] = field, target

    def at(self, pts_ns: int) -> Shot:
        """Where it looks; it makes nothing of what was seen ahead."""
        field, target = seen_at(self._seen, pts_ns)
        columns = sound(field, target)
        wanted = np.array([columns[X - 1], columns[Y - 1], columns[SIZE - 1]])
        cut = field != self._field or target.cut or pts_ns < self._last_ns
        if cut:
            self._filter = OneEuroFilter(*self._settings)
        self._field, self._last_ns = field, pts_ns
        units = np.array([*field.size_px(columns[SIZE - 1]), 1.0])
        x, y, size = self._filter(wanted, pts_ns, units).tolist()
        return Shot(field.view(x, y, size), cut)
