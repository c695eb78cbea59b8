"""Look-ahead: frames are held before a stage until it can see what follows them."""

from collections import deque

from livelens.clock import NS_PER_S
from livelens.types import Item

# Of memory: a frame of 1080p takes 3 MB.
MOST_HELD = 300
# How much longer than the look-ahead a live frame waits for those that should have followed.
_PATIENCE_NS = NS_PER_S // 4


class Ahead:
    """The held frames of one stream before one stage. Used under the lock of its lane.

    A frame may go when enough media time has followed it. One that waits for frames that do not
    come, since the camera stalls or has few, goes when that time has passed by the clock.

    Attributes:
        span_ns: how much of what follows a frame the stage should see; 0 holds nothing.
    """

    def __init__(self) -> None:
        self.span_ns = 0
        self._held: deque[tuple[Item, int]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def items(self) -> tuple[Item, ...]:
        """The held frames, in order."""
        return tuple(item for item, _ in self._held)

    @property
    def due_ns(self) -> int | None:
        """When the oldest one has waited long enough by the clock."""
        return self._held[0][1] + self.span_ns + _PATIENCE_NS if self._held else None

    def add(self, item: Item, now: int) -> list[Item]:
        """Hold a frame; returns those that may go now, in order."""
        if not self.span_ns and not self._held:
            return [item]
        self._held.append((item, now))
        return self.ripe(now)

    def ripe(self, now: int) -> list[Item]:
        """Let those go that have been followed by enough, or that are due."""
        free: list[Item] = []
        while self._held and self._may_go(now):
            free.append(self._pop(now))
        return free

    def all(self, now: int) -> list[Item]:
        """Let all go: nothing will follow."""
        return [self._pop(now) for _ in range(len(self._held))]

    def _may_go(self, now: int) -> bool:
        first, since_ns = self._held[0]
        followed_ns = self._held[-1][0].frame.pts_ns - first.frame.pts_ns
        # One that is followed by an earlier time would wait for long.
        enough = not 0 <= followed_ns < self.span_ns
        due = now >= since_ns + self.span_ns + _PATIENCE_NS
        return enough or due or len(self._held) > MOST_HELD

    def _pop(self, now: int) -> Item:
        item, since_ns = self._held.popleft()
        return item.with_(held_ns=item.held_ns + now - since_ns)
