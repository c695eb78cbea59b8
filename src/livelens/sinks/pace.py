"""At most so many pictures a second, for sinks that write what comes."""

from livelens.clock import NS_PER_S


class Pace:
    """Says which pictures of a stream to leave out.

    Args:
        fps: most pictures per second; None leaves none out.
    """

    def __init__(self, fps: float | None) -> None:
        self._interval_ns = None if fps is None else round(NS_PER_S / fps)
        self._due_ns: int | None = None

    def leaves_out(self, pts_ns: int) -> bool:
        """Whether a picture of this time comes too soon. Times rise."""
        if self._interval_ns is None:
            return False
        due_ns = pts_ns if self._due_ns is None else self._due_ns
        # A quarter is forgiven: the jitter of a camera must not halve its rate.
        if pts_ns < due_ns - self._interval_ns // 4:
            return True
        self._due_ns = max(due_ns, pts_ns - self._interval_ns) + self._interval_ns
        return False
