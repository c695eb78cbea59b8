"""What has happened in the last seconds, as against all the time."""

from collections import deque
from typing import Final

from livelens.clock import NS_PER_S

_WINDOW_NS: Final = 3 * NS_PER_S
_BUCKET_NS: Final = NS_PER_S // 4
_INTERVALS: Final = 5


class Throughput:
    """Bits per second over the last three seconds. Pure: time comes in."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[int, int]] = deque()
        self._first_ns: int | None = None

    def add(self, octets: int, now: int) -> None:
        """So many were sent or received."""
        if self._first_ns is None:
            self._first_ns = now
        buckets = self._buckets
        if buckets and now - buckets[-1][0] < _BUCKET_NS:
            began_ns, before = buckets[-1]
            buckets[-1] = began_ns, before + octets
            return
        buckets.append((now, octets))
        while buckets[0][0] <= now - _WINDOW_NS:
            buckets.popleft()

    def bps(self, now: int) -> float:
        """The rate, 0 before anything came."""
        if self._first_ns is None:
            return 0.0
        octets = sum(count for began_ns, count in self._buckets if began_ns > now - _WINDOW_NS)
        # Of a beginning, what there is of it, but no rate is made of a moment.
        passed_ns = min(max(now - self._first_ns, _BUCKET_NS), _WINDOW_NS)
        return octets * 8 * NS_PER_S / passed_ns


class Intervals:
    """Time between events: the mean of the last five. Pure: time comes in."""

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=_INTERVALS + 1)

    def note(self, now: int) -> None:
        """It happened."""
        self._times.append(now)

    @property
    def mean_s(self) -> float | None:
        """Seconds from one to the next; None before there were two."""
        if len(self._times) < 2:
            return None
        return (self._times[-1] - self._times[0]) / (len(self._times) - 1) / NS_PER_S
