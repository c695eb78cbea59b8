"""The only file that reads time.

Livelens counts time in integer nanoseconds. ``now_ns`` is monotonic and is the
origin of every latency; ``wall_ns`` is for people and for NTP.
"""

import time

NS_PER_S = 1_000_000_000
RTP_CLOCK_HZ = 90_000


def now_ns() -> int:
    """Monotonic host time in nanoseconds."""
    return time.monotonic_ns()


def wall_ns() -> int:
    """Time since the Unix epoch in nanoseconds."""
    return time.time_ns()


def seconds(duration_ns: int) -> float:
    """Nanoseconds as seconds."""
    return duration_ns / NS_PER_S


def nanoseconds(duration_s: float) -> int:
    """Seconds as nanoseconds."""
    return round(duration_s * NS_PER_S)


def rtp_ticks(pts_ns: int) -> int:
    """Media time in nanoseconds as a count of the 90 kHz RTP clock, not wrapped."""
    return (pts_ns * RTP_CLOCK_HZ + NS_PER_S // 2) // NS_PER_S


def rtp_timestamp(pts_ns: int) -> int:
    """The RTP timestamp (32 bits) of the picture with this pts.

    Livelens sends video with the RTP origin 0, so that a browser can match the
    ``rtpTimestamp`` of a picture with the pts of a result without being told more.
    """
    return rtp_ticks(pts_ns) & 0xFFFFFFFF
