"""One stream: a source, its stages, its sinks, and what state they are in."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import numpy as np

from livelens.clock import NS_PER_S, nanoseconds, now_ns, wall_ns
from livelens.errors import Conflict, LivelensError, NotFound
from livelens.events import Problem, State, StreamState, result_of
from livelens.flow.bus import Bus
from livelens.flow.chain import Chain, SharedLanes
from livelens.flow.ends import SinkLane, SourceLane
from livelens.flow.graph import check, stage_names
from livelens.flow.lane import Lane, Port
from livelens.flow.ledger import Ledger
from livelens.flow.metrics import FlowMetrics
from livelens.flow.timeline import Timeline
from livelens.plugins import named
from livelens.spec import PipelineSpec, Sink, SinkSpec, Source, Stage
from livelens.types import Captured, Frame, Item

_SAME_PROBLEM_NS = 5 * NS_PER_S
_FINAL: tuple[StreamState, ...] = ("ended", "failed", "stopped")


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds over the last few hundred frames."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, times_ns: list[int]) -> "Percentiles | None":
        """The percentiles of these times; None of none."""
        if not times_ns:
            return None
        p50, p95, p99 = np.percentile(times_ns, [50, 95, 99]) / 1e6
        return cls(round(float(p50), 2), round(float(p95), 2), round(float(p99), 2))


class PipelineStats(msgspec.Struct, frozen=True):
    """What a pipeline has done so far. captured = delivered + sum(dropped) + in_flight."""

    captured: int
    delivered: int
    dropped: dict[str, int]
    in_flight: int
    fps: float
    size_px: tuple[int, int] | None
    latency: Percentiles | None
    stages: dict[str, Percentiles]
    waiting: dict[str, int]
    sink_dropped: dict[str, int]


class Pipeline:
    """One stream. Made by `Engine.add`; all methods may be called from any thread.

    Attributes:
        stream_id: its name.
        spec: its present settings.
        state: "starting" | "running" | "reconnecting" | "ended" | "failed" | "stopped".
        detail: why, in one line.
    """

    def __init__(
        self,
        stream_id: str,
        spec: PipelineSpec,
        *,
        bus: Bus,
        shared: SharedLanes,
        metrics: FlowMetrics,
        source: Source | None = None,
        extra_sinks: Mapping[str, Sink] | None = None,
    ) -> None:
        check(spec)
        self.stream_id = stream_id
        self.spec = spec
        self.state: StreamState = "starting"
        self.detail = ""
        self.live = spec.source.live or source is not None
        self._bus = bus
        self._metrics = metrics
        self._ledger = Ledger()
        self._timeline = Timeline()
        self._size_px: tuple[int, int] | None = None
        self._last_seq = -1
        self._told: dict[tuple[str, str], int] = {}
        self._stage_ns: dict[str, deque[int]] = {}
        self._changing = threading.Lock()
        self._final = threading.Event()
        self._ending = threading.Lock()
        self._end_begun = False
        self._sink_failure: str | None = None
        self._source_done = False
        self._series = {
            "captured": metrics.captured.labels(stream_id),
            "delivered": metrics.delivered.labels(stream_id),
        }
        self._latency_seconds = metrics.latency_seconds.labels(stream_id)
        self._sinks: dict[str, tuple[SinkSpec | None, SinkLane]] = {}
        self._picture_sinks: tuple[SinkLane, ...] = ()
        self._item_sinks: tuple[SinkLane, ...] = ()
        self._chain = Chain(
            shared=shared,
            make_port=self._port,
            deliver=self._deliver,
            drop=self._drop,
            finished=self._all_delivered,
            label=stream_id,
        )
        self._source = SourceLane(
            stream_id,
            spec.source,
            source=source,
            push=self._push,
            changed=self._source_changed,
        )
        try:
            self._set_sinks(spec, extra_sinks or {})
        except LivelensError:
            for _, lane in self._sinks.values():
                lane.close(discard=True)
            raise
        self._extra_sinks = dict(extra_sinks or {})

    def start(self) -> None:
        """Open the stages and begin to read the source."""
        self._chain.build(self.spec.stages)
        self._source.start()

    # --- a frame's way: source → picture sinks and stages → item sinks and bus

    def _push(self, captured: Captured) -> None:
        seq = self._ledger.capture()
        self._series["captured"].inc()
        frame = Frame(
            self.stream_id,
            seq,
            self._timeline.map(captured.pts_ns, captured.captured_ns),
            captured.captured_ns,
            captured.picture,
            captured.ntp_ns,
        )
        self._size_px = frame.size_px
        item = Item(frame)
        for sink in self._picture_sinks:
            sink.put(item)
        self._chain.put(item)

    def _deliver(self, item: Item) -> None:
        frame = item.frame
        if frame.seq <= self._last_seq:  # overtaken while the stages were being changed
            self._drop("deliver", "overtaken")
            return
        self._last_seq = frame.seq
        self._ledger.deliver(frame)
        self._series["delivered"].inc()
        self._latency_seconds.observe((now_ns() - frame.captured_ns) / NS_PER_S)
        if self._bus.has_readers(self.stream_id):
            self._bus.publish(result_of(item, self._ledger.dropped))
        for sink in self._item_sinks:
            sink.put(item)

    def _drop(self, stage: str, reason: str) -> None:
        self._ledger.drop(stage, reason)
        self._metrics.dropped.labels(self.stream_id, stage, reason).inc()

    def _port(self, stage: str) -> Port:
        seconds = self._metrics.stage_seconds.labels(self.stream_id, stage)
        recent = self._stage_ns.setdefault(stage, deque(maxlen=256))

        def observe(took_s: float) -> None:
            seconds.observe(took_s)
            recent.append(nanoseconds(took_s))

        def drop(_: Item, reason: str) -> None:
            self._drop(stage, reason)

        def problem(message: str, fatal: bool) -> None:
            self._stage_problem(stage, message, fatal=fatal)

        return Port(
            stage=stage,
            lossless=not self.live,
            max_delay_s=self.spec.max_delay_s,
            drop=drop,
            observe=observe,
            problem=problem,
        )

    # --- what goes wrong, and the end

    def _stage_problem(self, stage: str, message: str, *, fatal: bool) -> None:
        self._problem(stage, message)
        if fatal or self.spec.on_error == "stop":
            self._end("failed", f"{stage}: {message}")

    def _problem(self, where: str, message: str) -> None:
        now = now_ns()
        if now - self._told.get((where, message), -_SAME_PROBLEM_NS) < _SAME_PROBLEM_NS:
            return
        if len(self._told) > 100:
            self._told.clear()
        self._told[where, message] = now
        self._metrics.problems.labels(self.stream_id, where).inc()
        self._bus.publish(Problem(self.stream_id, where, message, wall_ns()))

    def _source_changed(self, state: str, why: str) -> None:
        if state == "running":
            self._set_state("running", "")
        elif state == "reconnecting":
            self._timeline.restart()
            self._problem("source", why)
            self._set_state("reconnecting", why)
        elif state == "failed":
            self._problem("source", why)
            self._end("failed", why)
        else:
            self._source_done = True
            self._chain.finish()

    def _sink_failed(self, name: str, why: str) -> None:
        with suppress(KeyError):
            spec, _ = self._sinks[name]
            self._sort_sinks(without=name)
            self._problem(name, why)
            if not self.live and spec is not None:
                self._sink_failure = f"{name}: {why}"
                self._end("failed", self._sink_failure)

    def _all_delivered(self) -> None:
        """The source ended and its last frame is out."""
        self._end("ended", "")

    def _end(self, state: StreamState, why: str) -> None:
        """End from within; on a thread of its own, since a worker cannot wait for itself."""
        with self._ending:
            if self._end_begun or self.state in _FINAL:
                return
            self._end_begun = True
        threading.Thread(
            target=self._wind_up, args=(state, why), name=f"end:{self.stream_id}", daemon=True
        ).start()

    def _wind_up(self, state: StreamState, why: str) -> None:
        if state == "ended":  # let the sinks write what they have, however long it takes
            for _, lane in self._sinks.values():
                lane.close(discard=False)
            for _, lane in self._sinks.values():
                lane.join(None)
            if self._sink_failure is not None:
                state, why = "failed", self._sink_failure
        self.stop(final=state, why=why)

    def _set_state(self, state: StreamState, detail: str) -> None:
        if self.state in _FINAL or (self.state, self.detail) == (state, detail):
            return
        self.state, self.detail = state, detail
        self._bus.publish(State(self.stream_id, state, wall_ns(), detail))
        if state in _FINAL:
            self._final.set()

    # --- what others see and do

    @property
    def sinks(self) -> Mapping[str, Sink]:
        """The open sinks by name."""
        return {name: lane.sink for name, (_, lane) in self._sinks.items()}

    def sink(self, name: str) -> Sink:
        """An open sink.

        Raises:
            NotFound: there is none of that name.
        """
        if name not in self._sinks:
            known = ", ".join(self._sinks) or "none"
            raise NotFound(f"stream {self.stream_id!r} has no sink {name!r} ({known})")
        return self._sinks[name][1].sink

    def lanes(self) -> list[Lane]:
        """The lanes this stream passes, for the watch."""
        return [link.lane for link in self._chain.links]

    def stats(self) -> PipelineStats:
        """A snapshot of the accounts."""
        links = self._chain.links
        waiting = {link.port.stage: link.lane.waiting_of(link.port) for link in links}
        waiting |= {name: lane.waiting for name, (_, lane) in self._sinks.items()}
        stages = {
            name: times
            for name, recent in list(self._stage_ns.items())
            if (times := Percentiles.of(list(recent))) is not None
        }
        return PipelineStats(
            captured=self._ledger.captured,
            delivered=self._ledger.delivered,
            dropped=self._ledger.dropped,
            in_flight=self._ledger.in_flight,
            fps=round(self._ledger.fps, 2),
            size_px=self._size_px,
            latency=Percentiles.of(self._ledger.latencies_ns),
            stages=stages,
            waiting=waiting,
            sink_dropped={name: lane.dropped for name, (_, lane) in self._sinks.items()},
        )

    def wait(self, timeout_s: float | None = None) -> StreamState:
        """Wait until the pipeline has ended, failed or been stopped; returns the state."""
        self._final.wait(timeout_s)
        return self.state

    def change(self, spec: PipelineSpec, *, wait_s: float = 30.0) -> None:
        """Go on with other stages, sinks or limits. Viewers of unchanged sinks notice nothing.

        Raises:
            Conflict: the pipeline has ended, or the source differs.
            LivelensError: a new stage or sink cannot be opened; all goes on as before.
        """
        check(spec)
        with self._changing:
            if self.state in _FINAL:
                raise Conflict(f"stream {self.stream_id!r} has {self.state}")
            if spec.source != self.spec.source:
                raise Conflict("another source makes another stream: remove this one and add it")
            self._chain.build(spec.stages, wait_s=wait_s)
            self.spec = spec
            for link in self._chain.links:
                link.port.max_delay_s = spec.max_delay_s
            self._set_sinks(spec, self._extra_sinks)
            if self._source_done:  # it ended while the stages were being changed
                self._chain.finish()
            for gone in set(self._stage_ns) - set(stage_names(spec.stages)):
                del self._stage_ns[gone]

    def stop(
        self, timeout_s: float = 2.0, *, final: StreamState = "stopped", why: str = ""
    ) -> None:
        """End everything within `timeout_s`. What hangs in foreign code is left behind."""
        deadline_ns = now_ns() + nanoseconds(timeout_s)

        def left_s() -> float:
            return max(0.0, (deadline_ns - now_ns()) / NS_PER_S)

        with self._changing:
            self._source.stop()
            lanes = [lane for _, lane in self._sinks.values()]
            for lane in lanes:  # first, since a lossless writer may be waiting for room in one
                lane.close(discard=self.live)
            self._chain.close("stopped", left_s() / 4)
            for lane in lanes:
                lane.join(left_s() / 2)
            self._source.join(left_s())
            self._set_state(final, why)

    # --- sinks

    def _set_sinks(self, spec: PipelineSpec, extra: Mapping[str, Sink]) -> None:
        wanted = {each.name or named(each): each for each in spec.sinks}
        for name, each in wanted.items():
            have = self._sinks.get(name)
            if have is not None and have[0] == each:
                continue
            if have is not None and _reconfigured(have[0], each, have[1].sink):
                self._sinks[name] = (each, have[1])
                continue
            lane = self._open_sink(name, each)
            self._sinks[name] = (each, lane)
            if have is not None:
                have[1].close(discard=True)
        for name in [n for n, (s, _) in self._sinks.items() if s is not None and n not in wanted]:
            self._sinks.pop(name)[1].close(discard=True)
        for name, sink in extra.items():
            if name not in self._sinks:
                self._sinks[name] = (None, self._sink_lane(name, sink, None, capacity=8))
        self._sort_sinks()

    def _open_sink(self, name: str, spec: SinkSpec) -> SinkLane:
        sink = spec.open(self.stream_id)
        overlay = None
        if spec.overlay is not None:
            try:
                overlay = spec.overlay.open()
            except LivelensError:
                sink.close()
                raise
        return self._sink_lane(name, sink, overlay, capacity=spec.capacity)

    def _sink_lane(
        self, name: str, sink: Sink, overlay: Stage | None, *, capacity: int
    ) -> SinkLane:
        counter = self._metrics.sink_dropped.labels(self.stream_id, name)
        return SinkLane(
            name,
            sink,
            overlay,
            lossless=not self.live,
            capacity=capacity if self.live else max(capacity, 2),
            dropped=counter.inc,
            failed=lambda why: self._sink_failed(name, why),
        )

    def _sort_sinks(self, without: str | None = None) -> None:
        kept = {n: pair for n, pair in self._sinks.items() if n != without}
        self._picture_sinks = tuple(
            lane for spec, lane in kept.values() if spec is not None and spec.takes == "picture"
        )
        self._item_sinks = tuple(
            lane for spec, lane in kept.values() if spec is None or spec.takes == "item"
        )


def _reconfigured(old: SinkSpec | None, new: SinkSpec, sink: Sink) -> bool:
    """Whether the open sink could take the new settings without being reopened."""
    if type(old) is not type(new) or old is None or old.overlay != new.overlay:
        return False
    reconfigure: Callable[[SinkSpec], bool] | None = getattr(sink, "reconfigure", None)
    return reconfigure is not None and reconfigure(new)
