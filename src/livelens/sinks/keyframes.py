"""When an encoder makes a keyframe that a viewer needs: a pure policy."""

from collections import deque

from livelens.clock import NS_PER_S

_REPAIR_INTERVAL_NS = NS_PER_S // 2
_JOIN_INTERVAL_NS = NS_PER_S // 10


class KeyframePolicy:
    """Gathers requests into few keyframes, since each costs as much as many other pictures.

    A viewer who has lost a picture waits until half a second after the last keyframe,
    which may be on its way to him. One who has just joined has nothing to look at and
    gets his at once, together with all who join within a tenth of a second.
    """

    def __init__(self) -> None:
        self._repair_wanted = False
        self._join_wanted = False
        self._last_ns: int | None = None
        self._later: deque[int] = deque()

    def request(self, *, joined: bool) -> None:
        """A viewer needs a keyframe."""
        if joined:
            self._join_wanted = True
        else:
            self._repair_wanted = True

    def request_after(self, pts_ns: int) -> None:
        """A viewer comes from another rendition, and has seen all up to there.

        The pictures here may be older, since analysis takes time: a keyframe that he has no
        use for does not serve him.
        """
        self._later.append(pts_ns)

    def due(self, now_ns: int, pts_ns: int) -> bool:
        """Whether the next picture, of this media time, shall be a keyframe."""
        for _ in range(len(self._later)):
            if (after_ns := self._later.popleft()) < pts_ns:
                self._join_wanted = True
            else:
                self._later.append(after_ns)
        if self._last_ns is None:
            return self._join_wanted or self._repair_wanted
        passed_ns = now_ns - self._last_ns
        return (self._join_wanted and passed_ns >= _JOIN_INTERVAL_NS) or (
            self._repair_wanted and passed_ns >= _REPAIR_INTERVAL_NS
        )

    def made(self, now_ns: int) -> None:
        """A keyframe was made, for whatever reason; it serves all who can use it."""
        self._join_wanted = self._repair_wanted = False
        self._last_ns = now_ns
