"""How many pictures really come per second. Pure: it knows pts, not clocks.

An encoder spends its bits per picture. One that is told 30 fps and is given 5, because
the analysis takes 200 ms, would send a sixth of the bitrate that was asked for, and its
keyframes would lie six times further apart.
"""

from collections import deque

from livelens.clock import NS_PER_S, seconds

_WINDOW_NS = 2 * NS_PER_S
_ENOUGH_NS = 3 * NS_PER_S // 2
_ENOUGH_PICTURES = 4
_LONGEST_GAP_NS = 2 * NS_PER_S
# Smaller differences are not worth the keyframe that a change costs, nor are frequent ones.
_SLOWER, _FASTER = 0.8, 1.25
_REST_NS = 10 * NS_PER_S


class Cadence:
    """The rate that an encoder should count on.

    Args:
        fps: what is assumed at first, and never exceeded.

    Attributes:
        fps: what to assume now.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._limit = fps
        self._recent: deque[int] = deque()
        self._changed_ns: int | None = None

    def note(self, pts_ns: int) -> bool:
        """Count a picture in; whether `fps` has become another."""
        recent = self._recent
        if recent and not recent[-1] < pts_ns <= recent[-1] + _LONGEST_GAP_NS:
            recent.clear()
            self._changed_ns = None
        recent.append(pts_ns)
        while recent[0] < pts_ns - _WINDOW_NS:
            recent.popleft()
        span_ns = pts_ns - recent[0]
        if span_ns < _ENOUGH_NS or len(recent) < _ENOUGH_PICTURES:
            return False
        if self._changed_ns is not None and pts_ns - self._changed_ns < _REST_NS:
            return False
        fps = min((len(recent) - 1) / seconds(span_ns), self._limit)
        if _SLOWER <= fps / self.fps <= _FASTER:
            return False
        self.fps, self._changed_ns = fps, pts_ns
        return True
