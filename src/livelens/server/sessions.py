"""WebRTC sessions by id: who publishes, who watches."""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from livelens.clock import wall_ns
from livelens.errors import CapacityError, Conflict, NotFound
from livelens.flow.engine import Engine
from livelens.media.peer import Peer
from livelens.server.audio_relay import AudioRelay
from livelens.server.channels import ResultChannels
from livelens.server.config import ServerConfig
from livelens.server.feeds import Streams
from livelens.server.filters import EVERYTHING, Filter
from livelens.sinks.whep import WhepSink

if TYPE_CHECKING:
    from livelens.server.access.leases import Leases
    from livelens.server.figures.viewers import ViewerReport
    from livelens.server.identity import Identity

Kind = Literal["whip", "whep"]


@dataclass(slots=True, eq=False)
class Session:
    """A peer under the URL `/{kind}/{stream_id}/{peer.id}`.

    Attributes:
        address: of the host that asked for it.
        rendition: that is watched.
        sink: which shows it.
        etag: a strong entity tag of the ICE session, quotes included.
        since_unix_ns: when it was asked for.
        heard: when the viewer's player said last how it fares, and what.
    """

    kind: Kind
    stream_id: str
    peer: Peer
    address: str = ""
    rendition: str = ""
    sink: WhepSink | None = None
    etag: str = field(default_factory=lambda: f'"{secrets.token_urlsafe(9)}"')
    since_unix_ns: int = field(default_factory=wall_ns)
    heard: "tuple[int, ViewerReport] | None" = None

    @property
    def path(self) -> str:
        return f"/{self.kind}/{self.stream_id}/{self.peer.id}"


class Sessions:
    """All sessions of a server. Everything on the event loop."""

    def __init__(self, engine: Engine, streams: Streams, config: ServerConfig) -> None:
        self._engine = engine
        self._streams = streams
        self._config = config
        self._channels = ResultChannels(engine.bus)
        self._sessions: dict[str, Session] = {}
        self._listening: dict[str, AudioRelay] = {}
        self._answering = 0
        self._messages_lost = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish(
        self, stream_id: str, preset: str | None, offer: str, *, address: str = ""
    ) -> Session:
        """Answer a publisher; raises as `Streams.publish` does."""
        peer = await self._streams.publish(stream_id, preset, offer)
        return self._keep(Session("whip", stream_id, peer, address))

    async def watch(
        self,
        stream_id: str,
        rendition: str | None,
        offer: str,
        chosen: Filter = EVERYTHING,
        *,
        address: str = "",
    ) -> Session:
        """Answer a viewer of a stream's rendition, by default its first.

        Args:
            chosen: the objects he wants, if he takes results too.
            address: of the host that asks.

        Raises:
            NotFound: there is no such stream or rendition.
            Conflict: the stream is stopped, or has ended.
            CapacityError: as many watch as the limits allow.
            BadSdp: the offer cannot be used.
        """
        name, sink = self._rendition(stream_id, rendition)
        most = self._config.server.limits.max_viewers
        if self.viewers + self._answering >= most:
            raise CapacityError(f"the server has its {most} viewers already")
        self._answering += 1
        try:
            peer = await sink.watch(offer, self._config.webrtc)
        finally:
            self._answering -= 1
        publication = self._streams.publications.get(stream_id)
        if peer.takes_audio and publication is not None:
            publication.audio.join(peer)
            self._listening[peer.id] = publication.audio
        if peer.takes_messages:
            self._channels.join(stream_id, peer, chosen)
        return self._keep(Session("whep", stream_id, peer, address, name, sink))

    def get(self, kind: Kind, stream_id: str, session_id: str) -> Session:
        """A session by its URL. Raises NotFound."""
        session = self._sessions.get(session_id)
        if session is None or (session.kind, session.stream_id) != (kind, stream_id):
            raise NotFound("there is no such session")
        return session

    def show(self, session: Session, rendition: str) -> None:
        """Show a viewer another rendition of his stream over the connection he has.

        Raises:
            NotFound: there is no such rendition, or the session has ended.
            Conflict: the stream is stopped, or has ended.
        """
        name, sink = self._rendition(session.stream_id, rendition)
        if session.sink is None:
            raise NotFound("there is no such session")
        session.sink.move(session.peer, sink)
        session.rendition, session.sink = name, sink

    async def end(self, session: Session) -> None:
        """End a session; its URL is gone at once."""
        self._sessions.pop(session.peer.id, None)
        await session.peer.close()

    def lend(self, session: Session, leases: "Leases", identity: "Identity") -> None:
        """End the session when the right ends with which it was begun."""

        def end() -> None:
            self._sessions.pop(session.peer.id, None)
            self._beside(session.peer.close(), f"end-{session.peer.id}")

        release = leases.hold(identity, end)

        async def until_closed() -> None:
            await session.peer.closed.wait()
            release()

        self._beside(until_closed(), f"lease-{session.peer.id}")

    def all(self) -> list[Session]:
        """The sessions there are."""
        return list(self._sessions.values())

    @property
    def viewers(self) -> int:
        """How many watch, all streams together."""
        return sum(session.kind == "whep" for session in self.all())

    @property
    def full(self) -> bool:
        """Whether one more viewer would be refused."""
        return self.viewers >= self._config.server.limits.max_viewers

    @property
    def messages_lost(self) -> int:
        """Results that viewers' data channels were too slow for."""
        present = sum(session.peer.stats().messages_dropped for session in self.all())
        return self._messages_lost + present

    async def close(self) -> None:
        """End all sessions."""
        self._channels.close()
        await asyncio.gather(*(session.peer.close() for session in self.all()))

    def _rendition(self, stream_id: str, rendition: str | None) -> tuple[str, WhepSink]:
        pipeline = self._engine.get(stream_id)
        if pipeline.over:
            said = "is stopped" if pipeline.state == "stopped" else f"has {pipeline.state}"
            raise Conflict(f"the stream {stream_id!r} {said}: nothing is shown until it starts")
        watchable = {n: s for n, s in pipeline.sinks.items() if isinstance(s, WhepSink)}
        name = rendition if rendition is not None else next(iter(watchable), "")
        if name not in watchable:
            known = ", ".join(watchable) or "none"
            raise NotFound(f"stream {stream_id!r} has no rendition {name!r} ({known})")
        return name, watchable[name]

    def _keep(self, session: Session) -> Session:
        self._sessions[session.peer.id] = session

        async def until_closed() -> None:
            await session.peer.closed.wait()
            self._sessions.pop(session.peer.id, None)
            self._messages_lost += session.peer.stats().messages_dropped
            self._channels.leave(session.stream_id, session.peer)
            relay = self._listening.pop(session.peer.id, None)
            if relay is not None:
                relay.leave(session.peer)

        self._beside(until_closed(), f"session-{session.peer.id}")
        return session

    def _beside(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
