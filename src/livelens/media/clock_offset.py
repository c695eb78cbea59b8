"""How far apart two clocks are, from readings that chance makes late. Pure."""

from typing import Final

# Readings that stray further are left out, until so many in a row say the same.
_STRAY_NS: Final = 100_000_000
_STRAYS: Final = 15


class ClockOffset:
    """The mean of the last readings, without those that stray.

    Args:
        readings: over about so many.

    Attributes:
        ns: the offset; None before the first reading.
    """

    def __init__(self, readings: int) -> None:
        self.ns: int | None = None
        self._readings = readings
        self._count = 0
        self._strays = 0

    def note(self, reading_ns: int) -> int:
        """Take in a reading; returns the offset."""
        if self.ns is None:
            self.ns = reading_ns
        away_ns = reading_ns - self.ns
        if abs(away_ns) > _STRAY_NS:
            self._strays += 1
            if self._strays < _STRAYS:
                return self.ns
            self.ns, self._count, away_ns = reading_ns, 0, 0  # the clock was set anew
        self._strays = 0
        self._count = min(self._count + 1, self._readings)
        self.ns += round(away_ns / self._count)
        return self.ns

    def restart(self) -> None:
        """What comes from here on is known better: begin the mean with it."""
        self.ns, self._count, self._strays = None, 0, 0
