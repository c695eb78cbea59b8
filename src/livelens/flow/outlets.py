"""The sinks of one stream, which may change while frames flow.

The mappings and the tuples are never changed but replaced, so that any thread may read
them without a lock.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livelens.errors import Conflict
from livelens.flow.ends import SinkLane
from livelens.flow.opening import open_here
from livelens.plugins import named
from livelens.spec import Sink, SinkSpec, Stage


@dataclass(frozen=True, slots=True)
class Outlet:
    """A sink that is open. One that was given open has no spec."""

    spec: SinkSpec | None
    lane: SinkLane


class Outlets:
    """The sinks of one stream.

    Args:
        stream_id: what sinks are opened for.
        make_lane: makes the lane of an open sink, its overlay and its capacity.

    Attributes:
        all: by name, in the order of the configuration.
        attached: those that somebody has attached besides; a change of the others leaves them.
        pictures: those that take pictures as they come from the source.
        items: those that take items at the end of the stages.
    """

    def __init__(
        self, stream_id: str, make_lane: Callable[[str, Sink, Stage | None, int], SinkLane]
    ) -> None:
        self.all: Mapping[str, Outlet] = {}
        self.attached: Mapping[str, Outlet] = {}
        self.pictures: tuple[SinkLane, ...] = ()
        self.items: tuple[SinkLane, ...] = ()
        self._stream_id = stream_id
        self._make_lane = make_lane
        self._lock = threading.Lock()
        self._shut = False

    def change(self, specs: tuple[SinkSpec, ...]) -> None:
        """Have these sinks. Who watches one that stays notices nothing; a broken one is reopened.

        Raises:
            LivelensError: a sink cannot be opened; nothing has changed.
        """
        wanted = {spec.name or named(spec): spec for spec in specs}
        opened: dict[str, Outlet] = {}
        try:
            for name, spec in wanted.items():
                if not _may_stay(self.all.get(name), spec):
                    opened[name] = Outlet(spec, self._opened(name, spec))
            # Those that stay take their new settings when nothing else can fail any more.
            for name, spec in wanted.items():
                if name not in opened and not _takes(self.all[name], spec):
                    opened[name] = Outlet(spec, self._opened(name, spec))
        except BaseException:
            for outlet in opened.values():
                outlet.lane.close(discard=True)
            raise
        have = {
            name: opened.get(name) or Outlet(spec, self.all[name].lane)
            for name, spec in wanted.items()
        }
        given = {name: outlet for name, outlet in self.all.items() if outlet.spec is None}
        self._replace(have | given)

    def add(self, sinks: Mapping[str, Sink]) -> None:
        """Have these open sinks, too."""
        given = {name: Outlet(None, self._make_lane(name, s, None, 8)) for name, s in sinks.items()}
        self._replace({**self.all, **given})

    def attach(self, name: str, spec: SinkSpec) -> SinkLane:
        """Have this sink, too, until it is detached or the stream ends.

        Raises:
            Conflict: one of that name is attached, or the stream is ending.
            LivelensError: it cannot be opened.
        """
        if name in self.attached:
            raise Conflict(f"stream {self._stream_id!r} has {name!r} already")
        lane = self._opened(name, spec)
        with self._lock:
            refused = self._shut or name in self.attached
            if not refused:
                self.attached = {**self.attached, name: Outlet(spec, lane)}
                self._feed()
        if refused:
            lane.close(discard=True)
            raise Conflict(f"stream {self._stream_id!r} is ending, or has {name!r} already")
        return lane

    def detach(self, lane: SinkLane) -> None:
        """Give nothing more to an attached sink; it closes after what waits for it."""
        with self._lock:
            self.attached = {n: o for n, o in self.attached.items() if o.lane is not lane}
            self._feed()
        lane.close(discard=False)

    def shut(self) -> list[SinkLane]:
        """Every lane, to be closed; nothing is attached from now on."""
        with self._lock:
            self._shut = True
            return [outlet.lane for outlet in (*self.all.values(), *self.attached.values())]

    def stop_feeding(self, lane: SinkLane) -> None:
        """Give nothing more to a lane that broke."""
        with self._lock:
            self.pictures = tuple(each for each in self.pictures if each is not lane)
            self.items = tuple(each for each in self.items if each is not lane)

    def _feed(self) -> None:
        """Find out anew who takes what. Called under the lock."""
        outlets = (*self.all.values(), *self.attached.values())
        whole = [outlet for outlet in outlets if not outlet.lane.broken]
        self.pictures = tuple(o.lane for o in whole if o.spec and o.spec.takes == "picture")
        self.items = tuple(o.lane for o in whole if o.spec is None or o.spec.takes == "item")

    def _replace(self, outlets: Mapping[str, Outlet]) -> None:
        with self._lock:
            before, self.all = self.all, outlets
            self._feed()
        stay = [outlet.lane for outlet in outlets.values()]
        for outlet in before.values():
            if outlet.lane not in stay:
                outlet.lane.close(discard=True)

    def _opened(self, name: str, spec: SinkSpec) -> SinkLane:
        sink = spec.open(self._stream_id)
        overlay = None
        if spec.overlay is not None:
            try:
                overlay = open_here(spec.overlay)
            except BaseException:
                sink.close()
                raise
        return self._make_lane(name, sink, overlay, spec.capacity)


def _may_stay(old: Outlet | None, spec: SinkSpec) -> bool:
    """Whether an open sink can stay, perhaps after it has taken other settings."""
    if old is None or old.spec is None or old.lane.broken:
        return False
    if old.spec == spec:
        return True
    same = type(old.spec) is type(spec) and old.spec.overlay == spec.overlay
    return same and hasattr(old.lane.sink, "reconfigure")


def _takes(outlet: Outlet, spec: SinkSpec) -> bool:
    """Whether the open sink has these settings, now if not before."""
    if outlet.spec == spec:
        return True
    reconfigure: Callable[[SinkSpec], bool] | None = getattr(outlet.lane.sink, "reconfigure", None)
    return reconfigure is not None and reconfigure(spec)
