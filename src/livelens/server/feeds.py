"""Streams at run time: what is added, changed and removed, and what is published to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from livelens.clock import wall_ns
from livelens.errors import CapacityError, Conflict, LivelensError, NotFound, StageError
from livelens.events import Problem, State, StreamState
from livelens.flow.engine import Engine
from livelens.flow.pipeline import Pipeline
from livelens.media.peer import Peer
from livelens.server.audio_relay import AudioRelay
from livelens.server.config import (
    ServerConfig,
    check_id,
    configured_stream,
    pipeline_of,
    with_gallery,
    with_uploads,
)
from livelens.server.foresight import check_possible, check_stages, check_switched_on
from livelens.server.journal import keep_journal
from livelens.server.kept import KeptStream, KeptStreams
from livelens.server.threads import in_thread
from livelens.server.urls import check_sink, check_source
from livelens.sources.whip import Whip, WhipFeed
from livelens.spec import PipelineSpec
from livelens.types import Captured

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Publication:
    """A stream whose pictures are published to it.

    Attributes:
        feed: its open source, which outlives publishers.
        audio: their sound, which outlives them too.
        lasting: the stream stays without a publisher, since somebody configured it.
        peer: the present publisher.
        taken: a publisher is here or being answered.
        stopped: nobody may publish until the stream is started again.
    """

    feed: WhipFeed = field(default_factory=WhipFeed)
    audio: AudioRelay = field(default_factory=AudioRelay)
    lasting: bool = True
    peer: Peer | None = None
    taken: bool = False
    stopped: bool = False
    linger: asyncio.TimerHandle | None = None

    def push(self, captured: Captured) -> None:
        """Hand a picture to the present feed. Any thread."""
        self.feed.push(captured)


class Streams:
    """Adds, changes and removes streams. Everything on the event loop, which never waits.

    Attributes:
        publications: by stream id, of the streams with a `whip` source.
        kept: those that outlive the server, if any shall.

    Raises:
        ConfigError: the file of those that outlived it cannot be read.
    """

    def __init__(self, engine: Engine, config: ServerConfig) -> None:
        self.publications: dict[str, Publication] = {}
        file = config.server.keep_streams
        self.kept = KeptStreams(Path(file).expanduser()) if file is not None else None
        self._engine = engine
        self._config = config
        self._adding: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self.ready = False

    async def add_configured(self) -> None:
        """Start the streams of the configuration, and those that were kept.

        One that fails does not stop the others.
        """
        self._keep(asyncio.create_task(keep_journal(self._engine.bus), name="journal"))
        await asyncio.sleep(0)  # it must listen before there is something to hear
        for stream_id in self._config.streams:
            try:
                await self.add(stream_id, configured_stream(self._config, stream_id))
            except LivelensError as error:
                self._not_started(stream_id, error)
        if self.kept is not None:
            for stream_id, entry in self.kept.entries().items():
                try:
                    await self._add_kept(stream_id, entry)
                except LivelensError as error:
                    self._not_started(stream_id, error)
        self.ready = True

    def _not_started(self, stream_id: str, error: LivelensError) -> None:
        """There is no stream that could tell; the journal logs it, and the log of events."""
        self._engine.bus.publish(Problem(stream_id, "start", str(error), wall_ns()))

    async def add(self, stream_id: str, spec: PipelineSpec, *, keep: bool = False) -> Pipeline:
        """Start a stream.

        Args:
            stream_id: its name.
            spec: what it consists of.
            keep: it shall outlive the server, where the configuration says in which file.

        Raises:
            Conflict: the name is taken.
            CapacityError: there are as many streams as the limits allow.
            LivelensError: it cannot work, or a sink or the pipeline cannot be opened.
        """
        publication = Publication() if isinstance(spec.source, Whip) else None
        pipeline = await self._add(stream_id, spec, publication)
        if keep and self.kept is not None:
            await self.kept.put(stream_id, pipeline.spec, stopped=False)
        return pipeline

    async def _add_kept(self, stream_id: str, entry: KeptStream) -> None:
        spec = await in_thread(pipeline_of, self._config, entry.data)
        # What is allowed may have changed since. Names were resolved when the stream was added;
        # at the start of a machine nobody may be there to do it.
        check_switched_on(spec, self._config.faces)
        allow = self._config.server.allow
        check_source(spec.source, allow, resolve=lambda _: [])
        for sink in spec.sinks:
            check_sink(sink, allow)
        if not entry.stopped:
            await self.add(stream_id, spec)
            return
        self._check_capacity()
        await in_thread(self._engine.add_stopped, stream_id, with_uploads(self._config, spec))
        if isinstance(spec.source, Whip):
            self.publications[stream_id] = Publication(stopped=True)

    async def change(self, stream_id: str, spec: PipelineSpec) -> Pipeline:
        """Go on with other stages, sinks or limits. Raises NotFound, Conflict, LivelensError."""
        async with self._turn(stream_id):
            try:
                spec = with_gallery(self._config, spec)
                await in_thread(check_stages, spec.stages)
                pipeline = await in_thread(self._engine.change, stream_id, spec)
            except NotFound as error:  # of a model: the stream that was asked for is there
                if stream_id in self._engine.streams:
                    raise StageError(str(error)) from None
                raise
            await self._note(stream_id, pipeline)
            return pipeline

    async def stop(self, stream_id: str) -> Pipeline:
        """Stop a stream, and end the sessions of all who publish or watch it; it stays listed.

        Raises:
            NotFound: there is no such stream.
        """
        async with self._turn(stream_id):
            publication = self.publications.get(stream_id)
            if publication is not None:
                # Who stops it by hand wants to find it again.
                publication.stopped = publication.lasting = True
                _stop_lingering(publication)
            pipeline = await in_thread(self._engine.halt, stream_id)
            if publication is not None and publication.peer is not None:
                await publication.peer.close()
            await self._note(stream_id, pipeline)
            return pipeline

    async def start(self, stream_id: str) -> Pipeline:
        """Start a stream that was stopped, or has ended or failed; one that runs goes on.

        Raises:
            NotFound: there is no such stream.
            LivelensError: it cannot work, or a sink cannot be opened.
        """
        async with self._turn(stream_id):
            return await self._started(stream_id)

    async def restart(self, stream_id: str) -> Pipeline:
        """Open a stream's source and stages anew. Who watches or publishes stays.

        Raises:
            NotFound: there is no such stream.
            LivelensError: it cannot work, or a sink cannot be opened.
        """
        async with self._turn(stream_id):
            if not self._engine.get(stream_id).over:
                publication = self.publications.get(stream_id)
                feed = WhipFeed() if publication is not None else None
                try:
                    pipeline = await in_thread(self._engine.restart, stream_id, feed)
                except Conflict:  # it has ended meanwhile
                    return await self._started(stream_id)
                if publication is not None and feed is not None:
                    publication.feed = feed
                self._tell_if_waiting(stream_id)
                return pipeline
            return await self._started(stream_id)

    async def remove(self, stream_id: str) -> None:
        """Stop a stream, and end the sessions of all who publish or watch it.

        Raises:
            NotFound: there is no such stream.
        """
        publication = self.publications.pop(stream_id, None)
        if publication is not None:
            _stop_lingering(publication)
            publication.feed.close()
        self._locks.pop(stream_id, None)
        await in_thread(self._engine.remove, stream_id)
        if publication is not None and publication.peer is not None:
            await publication.peer.close()
        if self.kept is not None:
            await self.kept.drop(stream_id)

    async def publish(self, stream_id: str, preset: str | None, offer: str) -> Peer:
        """Answer a publisher, and feed his pictures to the stream.

        A stream that nobody has configured is made from the preset, and goes away when its
        publisher has been gone for the configured time.

        Raises:
            Conflict: the stream has a publisher already, or takes its pictures elsewhere.
            NotFound: there is no such stream, and none may be made.
            BadSdp, CapacityError, ConfigError: the offer, the limits, the preset.
        """
        publication = self.publications.get(stream_id)
        spec: PipelineSpec | None = None
        if publication is None:
            spec = self._spec_for_publisher(stream_id, preset)
            self._check_capacity()
            publication = self.publications[stream_id] = Publication(lasting=False)
        if publication.stopped:
            raise Conflict(f"the stream {stream_id!r} is stopped: start it before you publish")
        if publication.taken:
            raise Conflict(f"the stream {stream_id!r} has a publisher already")
        publication.taken = True
        _stop_lingering(publication)
        peer: Peer | None = None
        try:
            peer = await Peer.answer(
                offer,
                self._config.webrtc,
                publish=publication.push,
                on_audio=publication.audio.take,
            )
            if spec is not None:
                await self._add(stream_id, spec, publication)
            self._check_kept(stream_id, publication)
        except BaseException:
            publication.taken = False
            if spec is not None and stream_id not in self._engine.streams:
                if self.publications.get(stream_id) is publication:
                    del self.publications[stream_id]
            else:
                self._linger(stream_id, publication)
            if peer is not None:
                await peer.close()
            raise
        publication.peer = peer
        self._tell(stream_id, "running", "")
        self._watch_publisher(stream_id, publication, peer)
        return peer

    def waiting_for_publisher(self, stream_id: str) -> bool:
        """Whether the stream would show something if somebody published to it."""
        publication = self.publications.get(stream_id)
        return publication is not None and not publication.taken

    async def close(self) -> None:
        """Stop all streams."""
        for publication in self.publications.values():
            _stop_lingering(publication)
        for task in list(self._tasks):
            task.cancel()
        peers = [p.peer for p in self.publications.values() if p.peer is not None]
        await asyncio.gather(
            in_thread(self._engine.close), *(peer.close() for peer in peers), return_exceptions=True
        )

    async def _add(
        self, stream_id: str, spec: PipelineSpec, publication: Publication | None
    ) -> Pipeline:
        if stream_id in self._engine.streams or stream_id in self._adding:
            raise Conflict(f"there is a stream {stream_id!r} already")
        if publication is None and stream_id in self.publications:
            raise Conflict(f"the name {stream_id!r} is being published to")
        self._check_capacity()
        spec = with_uploads(self._config, with_gallery(self._config, spec))
        self._adding.add(stream_id)
        try:
            source = publication.feed if publication is not None else None
            await in_thread(check_possible, spec)
            pipeline = await in_thread(self._engine.add, stream_id, spec, source)
        finally:
            self._adding.discard(stream_id)
        if publication is not None:
            self.publications[stream_id] = publication
            self._tell_if_waiting(stream_id)
        return pipeline

    async def _started(self, stream_id: str) -> Pipeline:
        pipeline = self._engine.get(stream_id)
        if not pipeline.over:
            return pipeline
        await in_thread(check_possible, pipeline.spec)
        publication = self.publications.get(stream_id)
        if publication is None and isinstance(pipeline.spec.source, Whip):
            publication = self.publications[stream_id] = Publication()
        feed = WhipFeed() if publication is not None else None
        pipeline = await in_thread(self._engine.start, stream_id, feed)
        if publication is not None and feed is not None:
            publication.feed, publication.stopped = feed, False
            self._tell_if_waiting(stream_id)
        await self._note(stream_id, pipeline)
        return pipeline

    @asynccontextmanager
    async def _turn(self, stream_id: str) -> AsyncIterator[None]:
        """One change of a stream at a time. Raises NotFound."""
        self._engine.get(stream_id)
        async with self._locks.setdefault(stream_id, asyncio.Lock()):
            yield

    async def _note(self, stream_id: str, pipeline: Pipeline) -> None:
        if self.kept is not None and stream_id in self.kept and stream_id in self._engine.streams:
            await self.kept.put(stream_id, pipeline.spec, stopped=pipeline.state == "stopped")

    def _spec_for_publisher(self, stream_id: str, preset: str | None) -> PipelineSpec:
        if stream_id in self._engine.streams or stream_id in self._adding:
            raise Conflict(f"the stream {stream_id!r} takes its pictures from elsewhere")
        if not self._config.publish.enabled:
            raise NotFound(f"there is no stream {stream_id!r}")
        check_id(stream_id, "the URL")
        name = self._config.publish.preset if preset is None else preset
        return pipeline_of(self._config, {"source": Whip(), "preset": name})

    def _check_kept(self, stream_id: str, publication: Publication) -> None:
        if self.publications.get(stream_id) is not publication:
            raise NotFound(f"the stream {stream_id!r} has been removed")
        if publication.stopped:
            raise Conflict(f"the stream {stream_id!r} was stopped meanwhile")

    def _check_capacity(self) -> None:
        most = self._config.server.limits.max_streams
        if len(self._engine.streams) + len(self._adding) >= most:
            raise CapacityError(f"the server runs its {most} streams already")

    def _watch_publisher(self, stream_id: str, publication: Publication, peer: Peer) -> None:
        async def until_gone() -> None:
            await peer.closed.wait()
            publication.audio.add(peer.stats().audio)
            if publication.peer is peer:
                publication.peer = None
                publication.taken = False
                self._tell_if_waiting(stream_id)
                self._linger(stream_id, publication)

        self._keep(asyncio.create_task(until_gone(), name=f"publisher-{peer.id}"))

    def _tell(self, stream_id: str, state: StreamState, detail: str) -> None:
        """What the pipeline cannot know: whether there is anybody to wait for."""
        if stream_id in self._engine.streams:
            self._engine.bus.publish(State(stream_id, state, wall_ns(), detail))

    def _tell_if_waiting(self, stream_id: str) -> None:
        publication = self.publications.get(stream_id)
        if publication is not None and not (publication.taken or publication.stopped):
            self._tell(stream_id, "waiting", "nobody publishes")

    def _linger(self, stream_id: str, publication: Publication) -> None:
        """Remove a stream that nobody configured, if no publisher returns to it in time."""
        if publication.lasting or self.publications.get(stream_id) is not publication:
            return

        async def leave() -> None:
            if publication.taken or self.publications.get(stream_id) is not publication:
                return  # somebody came in the last moment
            try:
                await self.remove(stream_id)
            except NotFound:
                log.debug("stream removed already", stream=stream_id)

        def expire() -> None:
            if not publication.taken:
                self._keep(asyncio.create_task(leave(), name=f"leave-{stream_id}"))

        loop = asyncio.get_running_loop()
        publication.linger = loop.call_later(self._config.publish.linger_s, expire)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _stop_lingering(publication: Publication) -> None:
    if publication.linger is not None:
        publication.linger.cancel()
        publication.linger = None
