"""The stages of one stream, joined: each port delivers to the next one.

A chain can be rebuilt while frames flow. Stages whose settings did not change
stay as they are, with their state; a new one is opened before it takes over.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import msgspec

from livelens.clock import nanoseconds, now_ns
from livelens.descriptor import DescriptorSpec
from livelens.errors import (
    ConfigError,
    Conflict,
    LivelensError,
    ModelError,
    NotFound,
    StageError,
)
from livelens.flow.beside import Beside
from livelens.flow.graph import stage_names
from livelens.flow.lane import Lane
from livelens.flow.port import Port
from livelens.plugins import as_data
from livelens.spec import StageSpec
from livelens.types import Item

Deliver = Callable[[Item], None]

# How soon a stop is noticed while stages open.
_POLL_S = 0.05


# Frames that passed a busy stage over follow the one in work, all at once, and so may those that
# were held: so many find room, where on live streams one does otherwise.
_BURST = 8


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
            if lane is None or lane.failure is not None or lane.given_up:
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
    """One stage of the chain.

    Attributes:
        beside: set for a descriptor, which frames pass by instead of through.
    """

    spec: StageSpec
    lane: Lane
    port: Port
    beside: Beside | None = None

    def put(self, item: Item) -> None:
        """The way in."""
        if self.beside is not None:
            self.beside.put(item)
        else:
            self.lane.put(self.port, item)

    def finish(self) -> None:
        """No more items will come."""
        if self.beside is not None:
            self.beside.finish()
        else:
            self.lane.finish(self.port)

    def connect(self, deliver: Deliver, finished: Callable[[], None]) -> None:
        """Say where items go, and what follows the last one."""
        way = self.beside if self.beside is not None else self.port
        way.deliver, way.finished = deliver, finished


class Chain:
    """The stages of one stream.

    Args:
        shared: where lanes of shared stages are found.
        make_port: makes the port of a stage from its name.
        deliver: takes the items that passed all stages.
        drop: takes the items that come after the end, and the reason.
        skip: told stage and reason when an object is not described.
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
        skip: Callable[[str, str], None],
        finished: Callable[[], None],
        label: str,
    ) -> None:
        self._shared = shared
        self._make_port = make_port
        self._deliver = deliver
        self._drop = drop
        self._skip = skip
        self._finished = finished
        self._closed = False
        self._giving_up = False
        self._label = label
        self.links: tuple[Link, ...] = ()

    def put(self, item: Item) -> None:
        """The way in."""
        links = self.links
        if links:
            links[0].put(item)
        elif self._closed:
            self._drop("source", "stopped")
        else:
            self._deliver(item)

    def finish(self) -> None:
        """No more items will come."""
        if self.links:
            self.links[0].finish()
        else:
            self._finished()

    def build(self, stages: Sequence[StageSpec]) -> None:
        """Make the chain consist of these stages; one that cannot be opened tells so later."""
        self.join(self.prepared(stages))

    def prepared(
        self, stages: Sequence[StageSpec], *, wait_s: float | None = None
    ) -> tuple[Link, ...]:
        """Open what these stages need besides those there are, for `join` or `discard`.

        Args:
            stages: the new stages.
            wait_s: wait so long for new stages to open; None does not wait.

        Raises:
            LivelensError: a new stage cannot be opened, or `give_up` was called.
        """
        old = list(self.links)
        new: list[Link] = []
        for spec, name in zip(stages, stage_names(stages), strict=True):
            same = [link for link in old if link.port.stage == name]
            there = next((link for link in same if link.spec == spec), None)
            there = there or next((link for link in same if _goes_on(link, spec)), None)
            if there is None:
                new.append(self._link(spec, name))
                continue
            old.remove(there)
            new.append(there if there.spec == spec else replace(there, spec=spec))
        if wait_s is not None:
            try:
                self._await(new, wait_s)
            except LivelensError:
                self.discard(new)
                raise
        return tuple(new)

    def join(self, links: Sequence[Link]) -> None:
        """Make the chain consist of these; frames go their way from now on."""
        fresh = self._fresh(links)
        for link in links:
            if link in fresh:
                link.lane.attach(link.port)
            elif link not in self.links:
                link.lane.renew(_named(link.spec, link.port.stage))
        self._renumber(links)
        _make_room(links)
        for here, there in pairwise(links):
            here.connect(there.put, there.finish)
        if links:
            links[-1].connect(self._deliver, self._finished)
        old, self.links = self.links, tuple(links)
        stay = [link.port for link in links]
        self._drop_links([link for link in old if link.port not in stay], "reconfigured", 0.0)

    def discard(self, links: Sequence[Link]) -> None:
        """Let go of what was prepared."""
        self._drop_links(self._fresh(links), "reconfigured", 0.0)

    def give_up(self) -> None:
        """End the waiting of `prepared`, now and from now on. Any thread."""
        self._giving_up = True

    def close(self, reason: str, timeout_s: float) -> None:
        """Settle what is in the chain and leave all lanes."""
        self._closed = True
        links, self.links = self.links, ()
        self._drop_links(links, reason, timeout_s)

    def _link(self, spec: StageSpec, name: str) -> Link:
        lane, port = self._lane_for(spec, name), self._make_port(name)
        if not isinstance(spec, DescriptorSpec):
            return Link(spec, lane, port)
        beside = Beside(spec, lane, port, lambda reason: self._skip(name, reason))
        return Link(spec, lane, port, beside)

    def _renumber(self, links: Sequence[Link]) -> None:
        """Descriptors forget what they know where a tracker counts from 1 again."""
        renumbered = False
        for i, link in enumerate(links):
            if "tracks" in link.spec.gives:
                renumbered |= link not in self.links
                link.port.renewed = partial(_forget, links[i:])
            if renumbered:
                _forget([link])

    def _lane_for(self, spec: StageSpec, name: str) -> Lane:
        if spec.scope == "shared":
            return self._shared.take(spec, name)
        return Lane(_named(spec, name), f"{name}:{self._label}")

    def _fresh(self, links: Sequence[Link]) -> list[Link]:
        there = [link.port for link in self.links]
        return [link for link in links if link.port not in there]

    def _await(self, links: Sequence[Link], wait_s: float) -> None:
        deadline_ns = now_ns() + nanoseconds(wait_s)
        for place, link in enumerate(links):
            if link in self.links:
                continue
            while not link.lane.ready.wait(_POLL_S):
                if self._giving_up:
                    raise Conflict("the stream was stopped meanwhile")
                if now_ns() > deadline_ns:
                    raise StageError(f"{link.port.stage}: not open within {wait_s:g} s")
            failure = link.lane.failure
            if isinstance(failure, ConfigError | NotFound | ModelError | StageError):
                raise type(failure)(f"{failure} - at $.stages[{place}]") from failure
            if failure is not None:
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


def _goes_on(link: Link, spec: StageSpec) -> bool:
    """Whether the open stage can take these settings."""
    alone = spec.scope == "stream" and spec.lane == "thread" and spec.workers == 1
    sound = link.lane.failure is None and not link.lane.given_up
    return alone and sound and type(spec) is type(link.spec) and spec.continues(link.spec)


def _make_room(links: Sequence[Link]) -> None:
    room = 1
    for link in links:
        room = _BURST if link.spec.lookahead_s else room
        link.port.room = 1 if link.spec.passes_over else room
        room = _BURST if link.spec.passes_over else room


def _named(spec: StageSpec, name: str) -> StageSpec:
    """The spec with the name that the stage has here, which it may write into items."""
    return spec if spec.name == name else msgspec.structs.replace(spec, name=name)


def _key(spec: StageSpec) -> str:
    data = as_data(spec)
    data.pop("name", None)
    return json.dumps(data, sort_keys=True, default=str)


def _forget(links: Sequence[Link]) -> None:
    for link in links:
        if link.beside is not None:
            link.beside.memory.clear()
