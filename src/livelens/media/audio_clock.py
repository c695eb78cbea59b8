"""When a sound was captured, told in the same time as the pictures beside it. Pure.

A publisher's sender reports pair his sound and his pictures with his own clock. A picture
counts as captured when it arrives here; a sound is therefore placed by how far it lies from
the pictures on the publisher's clock, not by its own arrival: the two travel differently,
a camera's picture through an encoder and a pacer, a microphone's sound through almost nothing.
"""

from typing import Final

from livelens.clock import NS_PER_S
from livelens.media.clock_offset import ClockOffset

AUDIO_CLOCK_HZ: Final = 48_000

# Further than this from its arrival no sound is placed, whatever the reports say.
_BELIEVED_NS: Final = 500_000_000
_PICTURES: Final = 32
_PACKETS: Final = 64
_STOOD_STILL_NS: Final = 250_000_000


class PublisherClock:
    """The publisher's clock against this host's, learned from his pictures."""

    def __init__(self) -> None:
        self._offset = ClockOffset(_PICTURES)

    def note(self, ntp_ns: int, captured_ns: int) -> None:
        """A picture that he dates `ntp_ns` arrived at `captured_ns` of this host."""
        self._offset.note(captured_ns - ntp_ns, captured_ns)

    def host_ns(self, ntp_ns: int) -> int | None:
        """When a picture of this date would have arrived; None while nothing is known."""
        return None if self._offset.ns is None else ntp_ns + self._offset.ns


class CaptureLine:
    """Host time of the RTP timestamps of one source of sound.

    Args:
        clock: of the publisher.
    """

    def __init__(self, clock: PublisherClock) -> None:
        self._clock = clock
        self._report: tuple[int, int] | None = None
        self._origin = ClockOffset(_PACKETS)
        self._by_report = False

    @property
    def sure(self) -> bool:
        """Whether the last time told is to be relied on; not while packets stray, which may
        have been held up on their way, or come from a clock that stood still."""
        return not self._origin.straying and not self.ended

    @property
    def ended(self) -> bool:
        """Whether the clock has stood still while time went on."""
        return self._origin.moved_ns > _STOOD_STILL_NS

    def report(self, ntp_ns: int, timestamp: int) -> None:
        """A sender report: this timestamp, unwrapped, is that date of the publisher."""
        self._report = (ntp_ns, timestamp)

    def captured_ns(self, timestamp: int, arrival_ns: int) -> int:
        """Host time of the sound with this timestamp, unwrapped, that arrived just then."""
        captured_ns = self._reported_ns(timestamp, arrival_ns)
        by_report = captured_ns is not None
        if by_report and not self._by_report:
            self._origin.restart()
        self._by_report = by_report
        media_ns = media_time_ns(timestamp)
        told_ns = arrival_ns if captured_ns is None else captured_ns
        return media_ns + self._origin.note(told_ns - media_ns, arrival_ns)

    def _reported_ns(self, timestamp: int, arrival_ns: int) -> int | None:
        if self._report is None:
            return None
        ntp_ns, reported = self._report
        host_ns = self._clock.host_ns(ntp_ns + media_time_ns(timestamp - reported))
        if host_ns is None or abs(host_ns - arrival_ns) > _BELIEVED_NS:
            return None
        return host_ns


def media_time_ns(ticks: int) -> int:
    """Ticks of the 48 kHz clock as nanoseconds."""
    return ticks * NS_PER_S // AUDIO_CLOCK_HZ


def audio_ticks(duration_ns: int) -> int:
    """Nanoseconds as ticks of the 48 kHz clock."""
    return duration_ns * AUDIO_CLOCK_HZ // NS_PER_S
