"""One stream's way through a lane: what waits, what is being worked on, and its order."""

import threading
from collections import deque
from collections.abc import Callable

from livelens.clock import now_ns
from livelens.flow.ahead import Ahead
from livelens.types import Item

_LOSSLESS_CAPACITY = 2

Deliver = Callable[[Item], None]


class Port:
    """One stream's way through a lane.

    Args:
        stage: the stage's name, for accounts and timings.
        lossless: `put` waits for room instead of pushing the older frame out.
        max_delay_s: older frames are not worked on.
        drop: takes each item that is not delivered, and the reason.
        observe: told the seconds of each call.
        problem: told when the stage misbehaves, and whether that is the end of it.

    Attributes:
        room: how many items of a live stream wait at most.
        crowded: only one may wait until nothing is left to do.
        ahead: holds items until enough has followed them; then they wait for a worker.
        deliver: takes each item when it is done, in order.
        skip: takes an item whose work was lost, and the reason; the item is then delivered as
            it came. Without it such an item is dropped.
        finished: called once, when all is done after `Lane.finish`.
        renewed: called when the stage was opened anew and has forgotten what it knew.
    """

    def __init__(
        self,
        *,
        stage: str,
        lossless: bool,
        max_delay_s: float | None,
        drop: Callable[[Item, str], None],
        observe: Callable[[float], None],
        problem: Callable[[str, bool], None],
    ) -> None:
        self.stage = stage
        self.lossless = lossless
        self.max_delay_s = max_delay_s
        self.drop = drop
        self.observe = observe
        self.problem = problem
        self.room = 1
        self.crowded = False
        self.ahead = Ahead()
        self.deliver: Deliver = lambda item: drop(item, "unconnected")
        self.skip: Callable[[Item, str], None] | None = None
        self.finished: Callable[[], None] = lambda: None
        self.renewed: Callable[[], None] = lambda: None
        self.waiting: deque[Item] = deque()
        self.finishing = False
        self.closed = False
        self._order = threading.Lock()
        self._outstanding: dict[int, Item] = {}
        self._done: dict[int, Item | None] = {}
        self._next_ticket = 0
        self._next_release = 0

    @property
    def capacity(self) -> int:
        if self.lossless:
            return _LOSSLESS_CAPACITY
        return 1 if self.crowded else self.room

    def crowd_out(self) -> list[Item]:
        """Take all that waits, since a newer item has come and found no room.

        Room is for bursts. Who has not worked one off when the next one comes is too slow, and
        gets the newest item only until nothing is left to do: no queue may stand.
        """
        self.crowded = True
        older = list(self.waiting)
        self.waiting.clear()
        return older

    @property
    def all_waiting(self) -> list[Item]:
        """What waits for a worker, and what is held, in order."""
        return [*self.waiting, *self.ahead.items]

    def clear(self) -> list[Item]:
        """Take all that waits and all that is held; under the lane's lock."""
        left = [*self.waiting, *self.ahead.all(now_ns())]
        self.waiting.clear()
        return left

    def take(self) -> Item:
        """The next item to work on, with what follows it where the stage looks ahead."""
        item, span_ns = self.waiting.popleft(), self.ahead.span_ns
        if not span_ns:
            return item
        # No more than was asked for, though more may be here: a file always gives the same.
        end_ns = item.frame.pts_ns + span_ns
        following = (each for each in self.all_waiting if each.frame.pts_ns <= end_ns)
        return item.with_(ahead=tuple(following))

    @property
    def idle(self) -> bool:
        """Nothing waits for a worker and nothing is being worked on."""
        return not self.waiting and self._next_release == self._next_ticket

    def ticket(self, item: Item) -> int:
        """A place in the order for an item that is now worked on; under the lane's lock."""
        number = self._next_ticket
        self._outstanding[number] = item
        self._next_ticket += 1
        return number

    def release(self, ticket: int, outcome: "Item | str") -> None:
        """The work of a ticket is done, or lost for this reason.

        Delivers all that is now in order. Only the first release of a ticket counts, so
        that a frame is settled once even if a worker comes back after it was given up.
        """
        with self._order:
            item = self._outstanding.pop(ticket, None)
            if item is None:
                return
            if isinstance(outcome, Item):
                self._done[ticket] = outcome
            elif self.skip is not None:
                self.skip(item, outcome)
                self._done[ticket] = item
            else:
                self.drop(item, outcome)
                self._done[ticket] = None
            while self._next_release in self._done:
                ready = self._done.pop(self._next_release)
                try:
                    if ready is not None:
                        self.deliver(ready)
                finally:  # one that cannot be delivered must not hold up all behind it
                    self._next_release += 1

    def abandon(self, reason: str) -> None:
        """Settle all that is still being worked on as lost."""
        for ticket in list(self._outstanding):
            self.release(ticket, reason)
