"""A descriptor's place in a chain: frames pass by, only what is due is described.

On a live stream the descriptor works beside the frames. They never wait for it and carry
what is known so far, each value with the time of the frame it was measured on. Where no
frame may be lost the frame waits for its own description, so that a file always gives the
same result.
"""

import threading
from collections.abc import Callable

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.descriptor import DescriptorSpec
from livelens.errors import StageError
from livelens.flow.lane import Lane
from livelens.flow.memory import Memory
from livelens.flow.port import Port
from livelens.types import Item, no_detections


class Beside:
    """Takes the frames of one stream past one descriptor.

    Args:
        spec: the descriptor's settings.
        lane: its workers.
        port: the stream's way through them; what it drops are requests, not frames.
        skipped: told the reason for each request that is not answered.

    Attributes:
        deliver: takes each frame, in order.
        finished: called once after the last frame.
    """

    def __init__(
        self, spec: DescriptorSpec, lane: Lane, port: Port, skipped: Callable[[str], None]
    ) -> None:
        self.memory = Memory(spec, patient=port.lossless)
        self.deliver = port.deliver
        self.finished: Callable[[], None] = lambda: None
        self._lane = lane
        self._port = port
        self._skipped = skipped
        self._drop_frame = port.drop
        self._held: dict[int, Item] = {}
        self._holding = threading.Lock()
        port.deliver = self._answered
        port.drop = self._refused
        port.skip = self._lost
        port.finished = self._ended

    def put(self, item: Item) -> None:
        """Take a frame. Waits only where no frame may be lost."""
        due = self.memory.due(item)
        # Without what others have told: it would come back as if this one had read it.
        request = item.with_(detections=_chosen(item, due), attributes={})
        if self._port.lossless:
            with self._holding:
                self._held[item.frame.seq] = item
            self._lane.put(self._port, request)
            return
        if len(due):
            self._lane.put(self._port, request)
        self.deliver(item.with_(attributes=self.memory.attributes(item)))

    def finish(self) -> None:
        """No more frames will come."""
        if self._port.lossless:
            self._lane.finish(self._port)
        else:
            self.finished()

    def _ended(self) -> None:
        self.finished()

    def _answered(self, result: Item) -> None:
        try:
            self.memory.learn(result)
        except StageError as error:
            self._port.problem(str(error), False)
        item = self._let_go(result)
        if item is not None:
            known = self.memory.attributes(item)
            self.deliver(item.with_(attributes=known, timings=result.timings))

    def _lost(self, request: Item, reason: str) -> None:
        self.memory.lost(request)
        if not self._port.closed:
            self._skipped(reason)

    def _refused(self, request: Item, reason: str) -> None:
        self._lost(request, reason)
        item = self._let_go(request)
        if item is not None:
            self._drop_frame(item, reason)

    def _let_go(self, request: Item) -> Item | None:
        with self._holding:
            return self._held.pop(request.frame.seq, None)


def _chosen(item: Item, due: NDArray[np.intp]) -> sv.Detections:
    found = item.detections
    if found is None or not len(due):
        return no_detections()
    chosen = found[due]
    assert isinstance(chosen, sv.Detections)
    return chosen
