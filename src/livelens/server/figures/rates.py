"""Rates of counters, over a window that moves."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from livelens.clock import NS_PER_S, now_ns

_EVERY_S = 1.0
_WINDOW = 10

Counts = Mapping[tuple[str, ...], int]


class Rates:
    """Looks at counters once a second, so that whoever asks learns their rates at once.

    Args:
        count: gives the counters; called on the event loop, so it must be quick.
    """

    def __init__(self, count: Callable[[], Counts]) -> None:
        self._count = count
        self._seen: deque[tuple[int, Counts]] = deque(maxlen=_WINDOW + 1)

    @property
    def window_s(self) -> float:
        """What the rates are the mean of."""
        if len(self._seen) < 2:
            return 0.0
        return (self._seen[-1][0] - self._seen[0][0]) / NS_PER_S

    def look(self, now: int) -> None:
        """Note the counters as they are now."""
        self._seen.append((now, self._count()))

    def per_s(self) -> dict[tuple[str, ...], float]:
        """The rate of every counter that there is now; of a new one since it appeared."""
        if len(self._seen) < 2:
            return {}
        (last_ns, last), earlier = self._seen[-1], list(self._seen)[:-1]
        rates = {}
        for key, value in last.items():
            # One that has begun anew counts from where it is lower than now.
            first = next(((at, was[key]) for at, was in earlier if was.get(key, value + 1) <= value
                          ), None)  # fmt: skip
            rates[key] = (value - first[1]) * NS_PER_S / (last_ns - first[0]) if first else 0.0
        return rates

    async def keep_looking(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            self.look(now_ns())
            await asyncio.sleep(_EVERY_S)
