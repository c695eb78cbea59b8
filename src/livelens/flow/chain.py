"""The stages of one stream, joined: each port delivers to the next one.

A chain can be rebuilt while frames flow. Stages whose settings did not change
stay as they are, with their state; a new one is opened before it takes over.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from livelens.errors import LivelensError, StageError
from livelens.flow.graph import stage_names
from livelens.flow.lane import Lane, Port
from livelens.plugins import as_data
from livelens.spec import StageSpec
from livelens.types import Item

Deliver = Callable[[Item], None]


class SharedLanes:
    """Lanes of shared stages: one for each distinct setting, counted by use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}
        self._uses: dict[Lane, int] = {}

    def take(self, spec: StageSpec, name: str) -> Lane:
        """The lane of such a stage; opened if there is none, or if the last one failed."""
        key = _key(spec)
        with self._lock:
            lane = self._lanes.get(key)
            if lane is None or lane.failure is not None:
                lane = self._lanes[key] = Lane(spec, name)
            self._uses[lane] = self._uses.get(lane, 0) + 1
            return lane

    def give_back(self, lane: Lane, timeout_s: float) -> None:
        """One use less; the last one closes the lane."""
        with self._lock:
            self._uses[lane] -= 1
            if self._uses[lane]:
                return
            del self._uses[lane]
            self._lanes = {key: each for key, each in self._lanes.items() if each is not lane}
        lane.close(timeout_s)

    def all(self) -> list[Lane]:
        """The lanes in use."""
        with self._lock:
            return list(self._uses)


@dataclass(eq=False)
class Link:
    """One stage of the chain."""

    spec: StageSpec
    lane: Lane
    port: Port


class Chain:
    """The stages of one stream.

    Args:
        shared: where lanes of shared stages are found.
        make_port: makes the port of a stage from its name.
        deliver: takes the items that passed all stages.
        drop: takes the items that come after the end, and the reason.
        finished: called when a finished chain has delivered its last item.
        label: names the stream in thread names.
    """

    def __init__(
        self,
        *,
        shared: SharedLanes,
        make_port: Callable[[str], Port],
        deliver: Deliver,
        drop: Callable[[str, str], None],
        finished: Callable[[], None],
        label: str,
    ) -> None:
        self._shared = shared
        self._make_port = make_port
        self._deliver = deliver
        self._drop = drop
        self._finished = finished
        self._closed = False
        self._label = label
        self.links: tuple[Link, ...] = ()

    def put(self, item: Item) -> None:
        """The way in."""
        links = self.links
        if links:
            links[0].lane.put(links[0].port, item)
        elif self._closed:
            self._drop("source", "stopped")
        else:
            self._deliver(item)

    def finish(self) -> None:
        """No more items will come."""
        if self.links:
            self.links[0].lane.finish(self.links[0].port)
        else:
            self._finished()

    def build(self, stages: Sequence[StageSpec], *, wait_s: float | None = None) -> None:
        """Make the chain consist of these stages.

        Args:
            stages: the new stages.
            wait_s: wait so long for new stages to open before they take over; None
                joins them at once, and their failure shows later as a problem.

        Raises:
            LivelensError: a new stage cannot be opened; the old chain goes on.
        """
        old = list(self.links)
        new: list[Link] = []
        fresh: list[Link] = []
        for spec, name in zip(stages, stage_names(stages), strict=True):
            link = next((k for k in old if k.spec == spec and k.port.stage == name), None)
            if link is not None:
                old.remove(link)
            else:
                link = Link(spec, self._lane_for(spec, name), self._make_port(name))
                fresh.append(link)
            new.append(link)
        if wait_s is not None:
            self._await(fresh, wait_s)
        for link in fresh:
            link.lane.attach(link.port)
        for here, there in pairwise(new):
            here.port.deliver, here.port.finished = _into(there), _finish(there)
        if new:
            new[-1].port.deliver, new[-1].port.finished = self._deliver, self._finished
        self.links = tuple(new)
        self._drop_links(old, "reconfigured", 0.0)

    def close(self, reason: str, timeout_s: float) -> None:
        """Settle what is in the chain and leave all lanes."""
        self._closed = True
        links, self.links = self.links, ()
        self._drop_links(links, reason, timeout_s)

    def _lane_for(self, spec: StageSpec, name: str) -> Lane:
        if spec.scope == "shared":
            return self._shared.take(spec, name)
        return Lane(spec, f"{name}:{self._label}")

    def _await(self, fresh: Sequence[Link], wait_s: float) -> None:
        for link in fresh:
            opened = link.lane.ready.wait(wait_s)
            failure: LivelensError | None = link.lane.failure
            if not opened:
                failure = StageError(f"{link.port.stage}: not open within {wait_s:g} s")
            if failure is not None:
                self._drop_links(fresh, "reconfigured", 0.0)
                raise failure

    def _drop_links(self, links: Sequence[Link], reason: str, timeout_s: float) -> None:
        # All ways are shut before anything is waited for: a worker may wait for room
        # in the next lane while it holds the order of its own.
        for link in links:
            link.lane.detach(link.port, reason)
        for link in links:
            if link.spec.scope == "shared":
                self._shared.give_back(link.lane, timeout_s)
            else:
                link.lane.close(timeout_s)
            link.port.abandon(reason)


def _into(link: Link) -> Deliver:
    return lambda item: link.lane.put(link.port, item)


def _finish(link: Link) -> Callable[[], None]:
    return lambda: link.lane.finish(link.port)


def _key(spec: StageSpec) -> str:
    data = as_data(spec)
    data.pop("name", None)
    return json.dumps(data, sort_keys=True, default=str)
