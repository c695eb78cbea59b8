"""Lets pictures out at the pace at which they were recorded."""

import threading
from typing import Final

from livelens.clock import NS_PER_S, now_ns

_FORGIVEN_NS: Final = NS_PER_S // 2


class Pacer:
    """Holds each picture until its time by the host's clock has come.

    The first picture sets the beginning. When the reader or the network falls behind
    by more than half a second the beginning moves: nothing is hurried afterwards. A
    pts that jumps sets it anew too.

    Args:
        stop: ends every wait when set.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._origin_ns: int | None = None
        self._last_pts_ns = 0

    def wait(self, pts_ns: int) -> bool:
        """Wait until the picture with this pts is due; False when told to stop."""
        jumped = not 0 <= pts_ns - self._last_pts_ns <= 10 * NS_PER_S
        self._last_pts_ns = pts_ns
        now = now_ns()
        if self._origin_ns is None or jumped:
            self._origin_ns = now - pts_ns
        ahead_ns = self._origin_ns + pts_ns - now
        if ahead_ns < -_FORGIVEN_NS:
            self._origin_ns = now - pts_ns
        elif ahead_ns > 0:
            return not self._stop.wait(ahead_ns / NS_PER_S)
        return not self._stop.is_set()
