"""All streams of one process, and what they share."""

import threading
from collections.abc import Mapping
from types import MappingProxyType, TracebackType

import msgspec
from prometheus_client import CollectorRegistry

from livelens.errors import Conflict, NotFound
from livelens.flow.bus import Bus
from livelens.flow.chain import SharedLanes
from livelens.flow.metrics import FlowMetrics
from livelens.flow.pipeline import Pipeline
from livelens.spec import PipelineSpec, Sink, Source

_WATCH_EVERY_S = 0.25
# The promise is 2 s, for him who waits on the other side of the network too.
_STOP_S = 1.8


class Engine:
    """Runs pipelines. All methods may be called from any thread; `remove` and `close` wait.

    Args:
        registry: where metrics are kept; a registry of its own by default.

    Attributes:
        bus: results, problems and states of all streams.
        registry: for a Prometheus exposition.
    """

    def __init__(self, *, registry: CollectorRegistry | None = None) -> None:
        self.bus = Bus()
        self.registry = registry if registry is not None else CollectorRegistry()
        self._metrics = FlowMetrics(self.registry)
        self._shared = SharedLanes()
        self._streams: dict[str, Pipeline] = {}
        self._leaving: set[str] = set()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._watch_lanes, name="watch", daemon=True)
        self._watch.start()

    @property
    def streams(self) -> Mapping[str, Pipeline]:
        """The pipelines by stream id."""
        return MappingProxyType(self._streams)

    def add(
        self,
        stream_id: str,
        spec: PipelineSpec,
        source: Source | None = None,
        *,
        extra_sinks: Mapping[str, Sink] | None = None,
    ) -> Pipeline:
        """Start a stream.

        Args:
            stream_id: its name.
            spec: what it consists of.
            source: an already open source, which takes the place of the spec's.
            extra_sinks: already open sinks that take the analysed items.

        Raises:
            Conflict: the name is taken.
            ConfigError: the stages cannot work in this order.
            SinkError: a sink cannot be opened.
        """
        with self._lock:
            if self._closing.is_set():
                raise Conflict("the engine is closing")
            if stream_id in self._streams:
                raise Conflict(f"there is a stream {stream_id!r} already")
            if stream_id in self._leaving:
                raise Conflict(f"the stream {stream_id!r} is being removed")
            try:
                pipeline = self._made(stream_id, spec, source, extra_sinks)
            except BaseException:
                self._metrics.forget(stream_id)
                raise
            self._streams[stream_id] = pipeline
            pipeline.start()
        return pipeline

    def get(self, stream_id: str) -> Pipeline:
        """A stream.

        Raises:
            NotFound: there is none of that name.
        """
        pipeline = self._streams.get(stream_id)
        if pipeline is None:
            raise NotFound(f"there is no stream {stream_id!r}")
        return pipeline

    def change(self, stream_id: str, spec: PipelineSpec) -> Pipeline:
        """Go on with other stages, sinks or limits; see `Pipeline.change`."""
        pipeline = self._begun(stream_id)
        pipeline.change(spec)
        return pipeline

    def add_stopped(self, stream_id: str, spec: PipelineSpec) -> Pipeline:
        """Have a stream that `start` will start; nothing is opened. Raises as `add`."""
        with self._lock:
            if stream_id in self._streams or stream_id in self._leaving:
                raise Conflict(f"there is a stream {stream_id!r} already")
            bare = msgspec.structs.replace(spec, sinks=())
            pipeline = self._made(stream_id, bare, None, None)
            pipeline.stop()
            pipeline.spec = spec
            self._streams[stream_id] = pipeline
        return pipeline

    def halt(self, stream_id: str, timeout_s: float = _STOP_S) -> Pipeline:
        """Stop a stream, and keep it for `start`. Waits for `timeout_s` at most.

        Raises:
            NotFound: there is none of that name.
        """
        pipeline = self._begun(stream_id)
        pipeline.stop(timeout_s)
        return pipeline

    def start(self, stream_id: str, source: Source | None = None) -> Pipeline:
        """Start a stream again that has ended, failed or been halted; its accounts begin anew.

        Raises:
            NotFound: there is none of that name.
            Conflict: it runs.
            SinkError: a sink cannot be opened.
        """
        with self._lock:
            before = self.get(stream_id)
            if self._closing.is_set() or not before.over:
                raise Conflict(f"the stream {stream_id!r} runs already")
            pipeline = self._made(stream_id, before.spec, source, None)
            self._streams[stream_id] = pipeline
            pipeline.start()
        return pipeline

    def restart(self, stream_id: str, source: Source | None = None) -> Pipeline:
        """Open a stream's source and stages anew; see `Pipeline.restart`."""
        pipeline = self._begun(stream_id)
        pipeline.restart(source)
        return pipeline

    def remove(self, stream_id: str, timeout_s: float = _STOP_S) -> None:
        """Stop a stream and forget it. Waits for `timeout_s` at most.

        Raises:
            NotFound: there is none of that name.
        """
        with self._lock:
            pipeline = self.get(stream_id)
            del self._streams[stream_id]
            self._leaving.add(stream_id)
        try:
            pipeline.stop(timeout_s)
            self.bus.close_stream(stream_id)
            self._metrics.forget(stream_id)
        finally:  # only now, or a new stream of that name would lose its readers and metrics
            self._leaving.discard(stream_id)

    def close(self, timeout_s: float = _STOP_S) -> None:
        """Stop all streams, together, the watch and the bus."""
        self._closing.set()
        with self._lock:
            pipelines = list(self._streams.items())
            self._streams.clear()
        stoppers = [
            threading.Thread(target=pipeline.stop, args=(timeout_s,), daemon=True)
            for _, pipeline in pipelines
        ]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join(timeout_s + 1.0)
        self.bus.close()
        self._watch.join(timeout_s)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begun(self, stream_id: str) -> Pipeline:
        """A stream that is not just being added or started. Raises NotFound."""
        with self._lock:
            return self.get(stream_id)

    def _made(
        self,
        stream_id: str,
        spec: PipelineSpec,
        source: Source | None,
        extra_sinks: Mapping[str, Sink] | None,
    ) -> Pipeline:
        return Pipeline(
            stream_id,
            spec,
            bus=self.bus,
            shared=self._shared,
            metrics=self._metrics,
            source=source,
            extra_sinks=extra_sinks,
        )

    def _watch_lanes(self) -> None:
        """Look for stages that never return."""
        while not self._closing.wait(_WATCH_EVERY_S):
            lanes = {id(lane): lane for lane in self._shared.all()}
            for pipeline in list(self._streams.values()):
                lanes |= {id(lane): lane for lane in pipeline.lanes()}
            for lane in lanes.values():
                lane.give_up_stuck()
