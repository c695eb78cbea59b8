"""Looks at streams and the server again and again, and keeps what was seen for an hour."""

import random
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import structlog

from livelens.clock import NS_PER_S, now_ns, wall_ns
from livelens.flow.figures import Tally
from livelens.flow.pipeline import Pipeline
from livelens.server.figures.gpu import GpuWatch
from livelens.server.figures.rings import Key, Rings, Room
from livelens.server.figures.usage import CpuMeter, usage
from livelens.sinks.whep import WhepSink

if TYPE_CHECKING:
    from livelens.server.state import ServerState

log = structlog.get_logger(__name__)

PERIOD_NS = 2 * NS_PER_S
LENGTH = 1800
# Queues are looked at about so often in each period: what waits is there for moments only.
_GLANCES = 8
MOST_STREAMS = 64
# 7.2 kB each: 29 MB at most.
MOST_COLUMNS = 4096
# Between two streams others may have the interpreter.
_BREATH_S = 0.0005
_CLOCK_STEP_NS = NS_PER_S // 2


class Track:
    """What is remembered of one stream between looks, and its columns.

    Attributes:
        rings: its columns.
        pipeline: at present; None once the stream is gone.
    """

    def __init__(self, room: Room, length: int) -> None:
        self.rings = Rings(length, room)
        self.pipeline: Pipeline | None = None
        self._before: Tally | None = None
        self._done: dict[str, int] = {}
        self._before_ns = 0
        self._oldest_ns: dict[str, int] = {}
        self._most_waiting: dict[str, int] = {}

    def follow(self, pipeline: Pipeline | None, now: int, period_ns: int) -> None:
        """Go on with this pipeline, which has counted from 0 since the last look, or with none."""
        if pipeline is self.pipeline:
            return
        self.pipeline, self._before, self._done = pipeline, None, {}
        self._before_ns = now - period_ns
        self._oldest_ns, self._most_waiting = {}, {}

    def glance(self) -> None:
        """Note how long frames wait at this moment."""
        if self.pipeline is None:
            return
        for name, load in self.pipeline.loads().items():
            self._oldest_ns[name] = max(self._oldest_ns.get(name, 0), load.waiting_ns)
            self._most_waiting[name] = max(self._most_waiting.get(name, 0), load.waiting)

    def look(self, now: int) -> dict[Key, float | None]:
        """What has happened since the look before."""
        assert self.pipeline is not None
        tally, before = self.pipeline.tally(), self._before
        if before is not None and tally.captured < before.captured:
            before = None  # it was started anew
        passed_s = max(now - self._before_ns, 1) / NS_PER_S
        captured, delivered = tally.captured, tally.delivered
        if before is not None:
            captured, delivered = captured - before.captured, delivered - before.delivered
        sinks = list(self.pipeline.sinks.values())
        watching = sum(sink.viewers for sink in sinks if isinstance(sink, WhepSink))
        values: dict[Key, float | None] = {
            ("captured_fps",): captured / passed_s,
            ("delivered_fps",): delivered / passed_s,
            ("viewers",): watching,
            ("waiting_ms",): max(self._oldest_ns.values(), default=0) / 1e6,
        }
        values |= _percentiles(("latency_ms",), _newest(tally.latencies_ns, delivered))
        for kind in ("dropped", "skipped", "sink_dropped"):
            counts: Mapping[str, int] = getattr(tally, kind)
            earlier: Mapping[str, int] = getattr(before, kind) if before is not None else {}
            for name, count in counts.items():
                grown = count - earlier.get(name, 0)
                # A sink that was opened anew counts from 0 again.
                values[kind, name] = (grown if grown >= 0 else count) / passed_s
        values |= self._stages(tally, passed_s)
        self._before, self._before_ns = tally, now
        self._oldest_ns, self._most_waiting = {}, {}
        return values

    def _stages(self, tally: Tally, passed_s: float) -> dict[Key, float | None]:
        assert self.pipeline is not None
        values: dict[Key, float | None] = {}
        done = {}
        for name, load in self.pipeline.loads().items():
            done[name] = load.done
            calls = load.done - self._done.get(name, 0)
            calls = calls if calls >= 0 else load.done
            values["stage", name, "fps"] = calls / passed_s
            values["stage", name, "waiting"] = max(self._most_waiting.get(name, 0), load.waiting)
            oldest_ns = max(self._oldest_ns.get(name, 0), load.waiting_ns)
            values["stage", name, "waiting_ms"] = oldest_ns / 1e6
            times_ns = _newest(tally.stages_ns.get(name, []), calls)
            values |= _percentiles(("stage", name, "ms"), times_ns)
        self._done = done
        return values


class Sampler:
    """An hour of figures of all streams and of the server. `read` on any thread.

    Args:
        state: what is looked at.
        period_ns: between two looks.
        length: how many looks are kept.

    Attributes:
        lock: hold it to read `tracks` and `server`.
        tracks: by stream, those that are gone too, until nothing of their hour is left.
        server: columns of the server.
        first: the first slot there is.
    """

    def __init__(
        self, state: "ServerState", period_ns: int = PERIOD_NS, length: int = LENGTH
    ) -> None:
        self.period_ns = period_ns
        self.length = length
        self.lock = threading.Lock()
        self.tracks: dict[str, Track] = {}
        self.room = Room(MOST_COLUMNS)
        self.server = Rings(length, self.room)
        self.first: int | None = None
        self.gpus = GpuWatch()
        self._state = state
        self._cpu = CpuMeter()
        self._epoch_ns = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look again and again, on a thread, until `close`."""
        self._thread = threading.Thread(target=self._keep_looking, name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; waits for the look that is being taken."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def unix_s(self, slots: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[float]:
        """The wall-clock times of slots, at their ends."""
        times = (slots * self.period_ns + self._epoch_ns) / NS_PER_S
        found: list[float] = np.round(times, 3).tolist()
        return found

    def look(self, now: int) -> None:
        """Note what has happened since the look before."""
        slot = now // self.period_ns
        self._set_clock()
        server = self._server()
        with self.lock:
            self.first = slot if self.first is None else self.first
            self.server.put(slot, server)
        for stream_id in self._follow(now):
            self._over.wait(_BREATH_S)
            track = self.tracks[stream_id]
            if track.pipeline is not None:
                values = track.look(now_ns())
                with self.lock:
                    track.rings.put(slot, values)

    def glance(self) -> None:
        """Note what waits at this moment."""
        for track in list(self.tracks.values()):
            track.glance()

    def _keep_looking(self) -> None:
        self.gpus.start()
        slot = now_ns() // self.period_ns
        try:
            while not self._over.wait(self._pause_s()):
                now = now_ns()
                try:
                    if now // self.period_ns > slot:
                        slot = now // self.period_ns
                        self.look(now)
                    else:
                        self.glance()
                except Exception:  # a stream that ends while it is looked at, say
                    log.exception("this look at the streams failed")
        finally:
            self.gpus.close()

    def _pause_s(self) -> float:
        """Until the slot ends, or the next glance.

        Glances come at odd times: in step with a camera they would see the same moment of
        each of its frames.
        """
        until_end_ns = self.period_ns - now_ns() % self.period_ns
        return min(until_end_ns, self.period_ns / _GLANCES * random.uniform(0.5, 1.5)) / NS_PER_S

    def _set_clock(self) -> None:
        """Follow the wall clock where it was set; its small corrections would move old points."""
        epoch_ns = wall_ns() - now_ns()
        if abs(epoch_ns - self._epoch_ns) > _CLOCK_STEP_NS:
            self._epoch_ns = epoch_ns

    def _follow(self, now: int) -> list[str]:
        """Bring the tracks up to date with the streams there are; returns their names."""
        streams = dict(self._state.engine.streams)
        oldest = now // self.period_ns - self.length
        with self.lock:
            for stream_id, track in list(self.tracks.items()):
                pipeline = streams.get(stream_id)
                track.follow(pipeline, now, self.period_ns)
                newest = track.rings.newest
                if pipeline is None and (newest is None or newest <= oldest):
                    self._forget(stream_id)
            for stream_id, pipeline in streams.items():
                if stream_id not in self.tracks:
                    self._make_room()
                    self.tracks[stream_id] = Track(self.room, self.length)
                    self.tracks[stream_id].follow(pipeline, now, self.period_ns)
            if self.room.used >= self.room.most:
                self._make_room(0)
        return list(self.tracks)

    def _make_room(self, most: int = MOST_STREAMS - 1) -> None:
        """Forget the stream that has been gone for longest, where there are many."""
        gone = [(t.rings.newest or 0, name) for name, t in self.tracks.items() if not t.pipeline]
        if gone and len(self.tracks) > most:
            self._forget(min(gone)[1])

    def _forget(self, stream_id: str) -> None:
        self.tracks.pop(stream_id).rings.close()

    def _server(self) -> dict[Key, float | None]:
        used = usage()
        state = self._state
        values: dict[Key, float | None] = {
            ("cpu_cores",): self._cpu.cores(used),
            ("rss_mib",): used.rss_mib,
            ("processes",): used.processes,
            ("threads",): threading.active_count(),
            ("streams",): len(state.engine.streams),
            ("viewers",): state.sessions.viewers,
            ("readers",): sum(list(state.readers.values())),
        }
        for gpu in self.gpus.now():
            values["gpu", str(gpu.index), "percent"] = gpu.percent
            values["gpu", str(gpu.index), "memory_mib"] = gpu.memory_mib
        return values


def _newest(times_ns: list[int], count: int) -> list[int]:
    return times_ns[-count:] if count > 0 else []


def _percentiles(key: Key, times_ns: list[int]) -> dict[Key, float | None]:
    """p50, p95 and p99 in milliseconds, between the two nearest values; none of none."""
    if not times_ns:
        return {}
    ordered = sorted(times_ns)
    found: dict[Key, float | None] = {}
    for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99)):
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        value = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
        found[*key, name] = value / 1e6
    return found
