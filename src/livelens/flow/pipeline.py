"""One stream: a source, its stages, its sinks, and what state they are in."""

import threading
from collections import deque
from collections.abc import Mapping
from functools import partial
from itertools import count

from livelens.clock import NS_PER_S, nanoseconds, now_ns, wall_ns
from livelens.errors import Conflict, NotFound, one_line
from livelens.events import Problem, State, StreamState, result_of
from livelens.flow.bus import Bus
from livelens.flow.chain import Chain, SharedLanes
from livelens.flow.ends import SinkLane, SourceLane
from livelens.flow.figures import Percentiles, PipelineStats, Tally
from livelens.flow.graph import check, stage_names
from livelens.flow.lane import Lane
from livelens.flow.ledger import Ledger
from livelens.flow.loads import StageLoad, stage_loads
from livelens.flow.metrics import FlowMetrics
from livelens.flow.outlets import Outlets
from livelens.flow.port import Port
from livelens.flow.timeline import Timeline
from livelens.spec import PipelineSpec, Sink, SinkSpec, Source, Stage
from livelens.types import Captured, Frame, Item

_SAME_PROBLEM_NS = 5 * NS_PER_S
_FINAL: tuple[StreamState, ...] = ("ended", "failed", "stopped")


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
        self._stage_done: dict[str, int] = {}
        self._changing = threading.Lock()
        self._final = threading.Event()
        self._ending = threading.Lock()
        self._end_begun = False
        self._source_failure: str | None = None
        self._sink_failure: str | None = None
        self._source_done = False
        self._series = {
            "captured": metrics.captured.labels(stream_id),
            "delivered": metrics.delivered.labels(stream_id),
        }
        self._latency_seconds = metrics.latency_seconds.labels(stream_id)
        self._outlets = Outlets(stream_id, self._sink_lane)
        self._given = source is not None
        self._turn = 0
        self._shared = shared
        self._chain = self._new_chain()
        self._source = self._new_source(source)
        self._outlets.change(spec.sinks)
        self._outlets.add(extra_sinks or {})

    def start(self) -> None:
        """Open the stages and begin to read the source."""
        self._chain.build(self.spec.stages)
        self._source.start()

    def _new_chain(self) -> Chain:
        return Chain(
            shared=self._shared,
            make_port=self._port,
            deliver=self._deliver,
            drop=self._drop,
            skip=self._skip,
            finished=partial(self._all_delivered, self._turn),
            label=self.stream_id,
        )

    def _new_source(self, source: Source | None) -> SourceLane:
        return SourceLane(
            self.stream_id,
            self.spec.source,
            source=source,
            push=self._push,
            changed=partial(self._source_changed, self._turn),
        )

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
        for sink in self._outlets.pictures:
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
        dropped = self._ledger.dropped
        if self._bus.has_readers(self.stream_id):
            try:
                self._bus.publish(result_of(item, dropped))
            except Exception as error:  # noqa: BLE001 - it is made of what plug-ins found
                self._problem("result", f"cannot be told: {one_line(error)}")
        item = item.with_(dropped=dropped)
        for sink in self._outlets.items:
            sink.put(item)

    def _drop(self, stage: str, reason: str) -> None:
        self._ledger.drop(stage, reason)
        self._metrics.dropped.labels(self.stream_id, stage, reason).inc()

    def _skip(self, stage: str, reason: str) -> None:
        self._ledger.skip(stage, reason)
        self._metrics.skipped.labels(self.stream_id, stage, reason).inc()

    def _port(self, stage: str) -> Port:
        seconds = self._metrics.stage_seconds.labels(self.stream_id, stage)
        recent = self._stage_ns.setdefault(stage, deque(maxlen=256))
        # Counting by `next` is safe with several workers.
        done = count(self._stage_done.get(stage, 0) + 1)

        def observe(took_s: float) -> None:
            seconds.observe(took_s)
            recent.append(nanoseconds(took_s))
            self._stage_done[stage] = next(done)

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

    def _source_changed(self, turn: int, state: str, why: str) -> None:
        if turn != self._turn:  # of a source that another one has replaced
            return
        if state == "running":
            self._set_state("running", "")
        elif state == "reconnecting":
            self._timeline.restart()
            self._problem("source", why)
            self._set_state("reconnecting", why)
        elif state == "failed":
            self._problem("source", why)
            if self.live:
                self._end("failed", why)
                return
            self._source_failure = why  # of a file all that was read is still to be shown
            self._source_done = True
            self._chain.finish()
        else:
            self._source_done = True
            self._chain.finish()

    def _sink_failed(self, lane: SinkLane, why: str) -> None:
        self._outlets.stop_feeding(lane)
        self._problem(lane.name, why)
        ours = [outlet.lane for outlet in self._outlets.all.values() if outlet.spec is not None]
        if not self.live and lane in ours:
            self._sink_failure = f"{lane.name}: {why}"
            self._end("failed", self._sink_failure)

    def _all_delivered(self, turn: int) -> None:
        """The source ended and its last frame is out."""
        if turn == self._turn:
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
            lanes = self._outlets.shut()
            for lane in lanes:
                lane.close(discard=False)
            for lane in lanes:
                lane.join(None)
            broke = self._sink_failure or self._source_failure
            if broke is not None:
                state, why = "failed", broke
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
    def over(self) -> bool:
        """Whether it has ended, failed or been stopped."""
        return self.state in _FINAL

    @property
    def sinks(self) -> Mapping[str, Sink]:
        """The open sinks by name."""
        return {name: outlet.lane.sink for name, outlet in self._outlets.all.items()}

    def sink(self, name: str) -> Sink:
        """An open sink.

        Raises:
            NotFound: there is none of that name.
        """
        sinks = self.sinks
        if name not in sinks:
            known = ", ".join(sinks) or "none"
            raise NotFound(f"stream {self.stream_id!r} has no sink {name!r} ({known})")
        return sinks[name]

    def attach(self, name: str, spec: SinkSpec) -> SinkLane:
        """Feed one more sink, beside those of the spec: a change of the spec leaves it alone.

        Args:
            name: of the sink, unique among those that are attached.
            spec: what to open.

        Raises:
            Conflict: the name is taken, or the stream has ended or is about to.
            LivelensError: the sink cannot be opened.
        """
        return self._outlets.attach(name, spec)

    def detach(self, lane: SinkLane) -> None:
        """Feed an attached sink no longer. It writes what waits for it and closes."""
        self._outlets.detach(lane)

    def lanes(self) -> list[Lane]:
        """The lanes this stream passes, for the watch."""
        return [link.lane for link in self._chain.links]

    def stats(self) -> PipelineStats:
        """A snapshot of the accounts."""
        links = self._chain.links
        waiting = {link.port.stage: len(link.lane.all_waiting(link.port)) for link in links}
        lanes = {name: outlet.lane for name, outlet in self._outlets.all.items()}
        waiting |= {name: lane.waiting for name, lane in lanes.items()}
        stages = {
            name: times
            for name, recent in list(self._stage_ns.items())
            if (times := Percentiles.of(list(recent))) is not None
        }
        captured, delivered, dropped, in_flight = self._ledger.balance()
        return PipelineStats(
            captured=captured,
            delivered=delivered,
            dropped=dropped,
            in_flight=in_flight,
            fps=round(self._ledger.fps, 2),
            size_px=self._size_px,
            latency=Percentiles.of(self._ledger.latencies_ns),
            stages=stages,
            waiting=waiting,
            sink_dropped={name: lane.dropped for name, lane in lanes.items()},
            skipped=self._ledger.skipped,
        )

    def tally(self) -> Tally:
        """The counters and the last times, as they are."""
        captured, delivered, dropped, _ = self._ledger.balance()
        return Tally(
            captured=captured,
            delivered=delivered,
            dropped=dropped,
            skipped=self._ledger.skipped,
            sink_dropped={name: o.lane.dropped for name, o in self._outlets.all.items()},
            latencies_ns=self._ledger.latencies_ns,
            stages_ns={name: list(recent) for name, recent in list(self._stage_ns.items())},
        )

    @property
    def counts(self) -> tuple[int, int]:
        """Frames captured and delivered so far."""
        return self._ledger.captured, self._ledger.delivered

    def loads(self) -> dict[str, StageLoad]:
        """How busy each stage is, by name, in their order."""
        return stage_loads(self._chain.links, self._stage_done)

    def wait(self, timeout_s: float | None = None) -> StreamState:
        """Wait until the pipeline has ended, failed or been stopped; returns the state."""
        self._final.wait(timeout_s)
        return self.state

    def change(self, spec: PipelineSpec, *, wait_s: float = 30.0) -> None:
        """Go on with other stages, sinks or limits. Viewers of unchanged sinks notice nothing.

        A pipeline that has ended or was stopped keeps them for its next start.

        Raises:
            Conflict: the source differs.
            LivelensError: a new stage or sink cannot be opened; all goes on as before.
        """
        check(spec)
        with self._changing:
            if spec.source != self.spec.source:
                raise Conflict("another source makes another stream: remove this one and add it")
            if self.over:
                self.spec = spec
                return
            links = self._chain.prepared(spec.stages, wait_s=wait_s)
            try:
                self._outlets.change(spec.sinks)
            except BaseException:
                self._chain.discard(links)
                raise
            self._chain.join(links)
            self.spec = spec
            for link in links:
                link.port.max_delay_s = spec.max_delay_s
            if self._source_done:  # it ended while the stages were being changed
                self._chain.finish()
            for gone in set(self._stage_ns) - set(stage_names(spec.stages)):
                del self._stage_ns[gone]
                self._stage_done.pop(gone, None)

    def restart(self, source: Source | None = None, timeout_s: float = 1.0) -> None:
        """Open source and stages anew. Sinks, and who watches them, stay; broken ones reopen.

        Args:
            source: an already open one, in the place of another that was given open.
            timeout_s: how long the old ones may take to end; then they are left behind.

        Raises:
            Conflict: the pipeline has ended, or no open source is given.
            SinkError: a broken sink cannot be reopened; all goes on as before.
        """
        with self._changing:
            if self._given and source is None:
                raise Conflict(f"the source of {self.stream_id!r} was given open: give it again")
            self._outlets.change(self.spec.sinks)
            with self._ending:
                if self._end_begun or self.over:
                    raise Conflict(f"stream {self.stream_id!r} has ended")
                self._turn += 1
            self._set_state("starting", "")
            self._source.stop()
            self._chain.give_up()
            self._chain.close("restarted", timeout_s / 2)
            self._source.join(timeout_s / 2)
            self._timeline.restart()
            self._source_done, self._source_failure = False, None
            self._chain = self._new_chain()
            self._source = self._new_source(source)
            self.start()

    def stop(
        self, timeout_s: float = 2.0, *, final: StreamState = "stopped", why: str = ""
    ) -> None:
        """End everything within `timeout_s`. What hangs in foreign code is left behind."""
        deadline_ns = now_ns() + nanoseconds(timeout_s)

        def left_s() -> float:
            return max(0.0, (deadline_ns - now_ns()) / NS_PER_S)

        self._chain.give_up()  # a change that waits for stages to open must not delay this
        with self._changing:
            self._source.stop()
            lanes = self._outlets.shut()
            for lane in lanes:  # first, since a lossless writer may be waiting for room in one
                lane.close(discard=self.live)
            self._chain.close("stopped", left_s() / 4)
            for lane in lanes:
                lane.join(left_s() / 2)
            self._source.join(left_s())
            self._set_state(final, why)

    def _sink_lane(self, name: str, sink: Sink, overlay: Stage | None, capacity: int) -> SinkLane:
        return SinkLane(
            name,
            sink,
            overlay,
            lossless=not self.live,
            capacity=capacity if self.live else max(capacity, 2),
            dropped=self._metrics.sink_dropped.labels(self.stream_id, name).inc,
            troubled=lambda why: self._problem(name, why),
            failed=self._sink_failed,
        )
