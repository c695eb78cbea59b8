"""One pipeline without a server: a generator of what is found."""

from collections.abc import Iterator, Sequence

from livelens import plugins
from livelens.channel import Channel
from livelens.errors import Closed, LivelensError
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.spec import PipelineSpec, SinkSpec, SourceSpec, StageSpec
from livelens.types import Item


class ItemQueue:
    """A sink that hands its items to an iterator. A live queue keeps the newest only."""

    def __init__(self, *, lossless: bool) -> None:
        self._channel: Channel[Item] = Channel(2 if lossless else 1, lossless=lossless)

    @property
    def wanted(self) -> bool:
        return not self._channel.closed

    def put(self, item: Item) -> None:
        """Called by the pipeline; waits for the iterator when the queue is lossless."""
        try:
            self._channel.put(item)
        except Closed:
            return

    def close(self) -> None:
        """No more items."""
        self._channel.close()

    def __iter__(self) -> Iterator[Item]:
        try:
            while True:
                yield self._channel.get()
        except Closed:
            return


class Run:
    """A running pipeline to iterate over. Made by `run`; closes itself at its end.

    Attributes:
        pipeline: state and accounts.
    """

    def __init__(self, spec: PipelineSpec, stream_id: str, engine: Engine) -> None:
        self._engine = engine
        self._queue = ItemQueue(lossless=not spec.source.live)
        self.pipeline: Pipeline = engine.add(stream_id, spec, extra_sinks={"items": self._queue})

    def __iter__(self) -> Iterator[Item]:
        """Items in order.

        Raises:
            LivelensError: the pipeline failed; one line says where and why.
        """
        try:
            yield from self._queue
            self.pipeline.wait()
            if self.pipeline.state == "failed":
                raise LivelensError(self.pipeline.detail)
        finally:
            self.close()

    def close(self) -> None:
        """Stop early."""
        self._queue.close()
        self._engine.close()


def run(
    source: str | SourceSpec,
    *,
    stages: Sequence[StageSpec] = (),
    sinks: Sequence[SinkSpec] = (),
    max_delay_s: float | None = 1.0,
    stream_id: str = "run",
) -> Run:
    """Run a pipeline and iterate over its items.

    A file is processed without loss; a live source is followed until you stop, and
    what comes late is dropped and counted (`Run.pipeline.stats()`).

    Args:
        source: a URL, a path, or a source's spec.
        stages: what is done to each frame, in order.
        sinks: who else takes the results, a recorder say.
        max_delay_s: frames older than this are dropped; for live sources.
        stream_id: the stream's name in results and metrics.

    Raises:
        ConfigError: the source or the order of stages is impossible.
        SinkError: a sink cannot be opened.
    """
    spec = PipelineSpec(
        source=plugins.source(source),
        stages=tuple(stages),
        sinks=tuple(sinks),
        max_delay_s=max_delay_s,
        on_error="stop" if not plugins.source(source).live else "restart",
    )
    engine = Engine()
    try:
        return Run(spec, stream_id, engine)
    except LivelensError:
        engine.close()
        raise
