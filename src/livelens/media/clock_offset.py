"""How far apart two clocks are, from readings that chance makes late. Pure."""

from typing import Final

from livelens.clock import NS_PER_S

# Readings that stray further are left out, until they have said so for as long.
_STRAY_NS: Final = 100_000_000
_STRAYING_NS: Final = NS_PER_S


class ClockOffset:
    """The mean of the last readings, without those that stray.

    Args:
        readings: over about so many.

    Attributes:
        ns: the offset; None before the first reading.
        moved_ns: how far it went when it followed readings that had strayed for a second,
            the last time; 0 before.
    """

    def __init__(self, readings: int) -> None:
        self.ns: int | None = None
        self.moved_ns = 0
        self._readings = readings
        self._count = 0
        self._since_ns: int | None = None

    @property
    def straying(self) -> bool:
        """Whether the last reading was left out."""
        return self._since_ns is not None

    def note(self, reading_ns: int, at_ns: int) -> int:
        """Take in a reading made at this host time; returns the offset."""
        if self.ns is None:
            self.ns = reading_ns
        away_ns = reading_ns - self.ns
        if abs(away_ns) > _STRAY_NS:
            if self._since_ns is None:
                self._since_ns = at_ns
            if at_ns - self._since_ns < _STRAYING_NS:
                return self.ns
            # The clock was set anew.
            self.ns, self.moved_ns, self._count, away_ns = reading_ns, away_ns, 0, 0
        self._since_ns = None
        self._count = min(self._count + 1, self._readings)
        self.ns += round(away_ns / self._count)
        return self.ns

    def restart(self) -> None:
        """What comes from here on is known better: begin the mean with it."""
        self.ns, self._count, self._since_ns = None, 0, None
