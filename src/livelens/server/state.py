"""What the routes of one server share."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from livelens.clock import now_ns
from livelens.flow.engine import Engine
from livelens.server.config import ServerConfig
from livelens.server.feeds import Streams
from livelens.server.figures.eventlog import EventLog
from livelens.server.figures.rates import Rates
from livelens.server.figures.sampler import Sampler
from livelens.server.figures.usage import CpuMeter
from livelens.server.probe import Probes
from livelens.server.recordings.recorder import Recorder
from livelens.server.sessions import Sessions

if TYPE_CHECKING:
    from livelens.server.access.desk import Access
    from livelens.server.access.leases import Leases
    from livelens.server.boards import Shown
    from livelens.server.faces import FaceDesk
    from livelens.server.uploads.endpoints import UploadDesk


@dataclass(slots=True)
class ServerState:
    """A running server.

    Attributes:
        access: knows who may use it.
        leases: what lasts, and ends with the right that began it.
        readers: of results by SSE and WebSocket, at present, by transport.
        results_lost: messages that readers were too slow for, by transport.
        refused: requests refused, by status.
        closing: no new sessions and readers any more.
        began_ns: when the server was made.
        rates: of frames, by stream, and by stream and stage.
        recorder: starts, ends and keeps recordings.
        cpu: what the server uses.
        history: how it has fared in the last hour.
        event_log: the last states and problems.
        boards: views that many may watch, by name, as they were made last.
        faces: enrols faces, from the first request for it on.
        uploads: takes clips, where that is switched on.
        probes: opens sources that somebody wants to try.
    """

    config: ServerConfig
    engine: Engine
    streams: Streams
    sessions: Sessions
    access: "Access"
    leases: "Leases"
    readers: Counter[str] = field(default_factory=Counter)
    results_lost: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    closing: bool = False
    began_ns: int = field(default_factory=now_ns)
    rates: Rates = field(init=False)
    history: Sampler = field(init=False)
    recorder: Recorder = field(init=False)
    event_log: EventLog = field(default_factory=EventLog)
    cpu: CpuMeter = field(default_factory=CpuMeter)
    boards: "dict[str, Shown]" = field(default_factory=dict)
    faces: "FaceDesk | None" = None
    uploads: "UploadDesk | None" = None
    probes: Probes = field(default_factory=Probes)

    def __post_init__(self) -> None:
        self.rates = Rates(self._frames)
        self.history = Sampler(self)
        self.recorder = Recorder(self.engine, self.config.recordings)

    def _frames(self) -> dict[tuple[str, ...], int]:
        """Frames so far: (stream, "captured" or "delivered"), and (stream, "stage", name)."""
        counts: dict[tuple[str, ...], int] = {}
        for stream_id, pipeline in list(self.engine.streams.items()):
            captured, delivered = pipeline.counts
            counts[stream_id, "captured"] = captured
            counts[stream_id, "delivered"] = delivered
            for name, load in pipeline.loads().items():
                counts[stream_id, "stage", name] = load.done
        return counts

    @classmethod
    def of(cls, config: ServerConfig, access: "Access") -> "ServerState":
        """A server that has not started anything yet."""
        from livelens.server.access.leases import Leases

        engine = Engine()
        streams = Streams(engine, config)
        return cls(
            config, engine, streams, Sessions(engine, streams, config), access, Leases(access)
        )

    async def close(self) -> None:
        """Stop all streams and sessions, within about two seconds. More than once is fine."""
        if not self.closing:
            self.closing = True
            ending = [self.recorder.close()]
            if self.uploads is not None:
                ending.append(self.uploads.close())
            await asyncio.gather(*ending)
            await self.streams.close()
            await self.sessions.close()


def state_of(connection: HTTPConnection) -> ServerState:
    """The server that a request or WebSocket came to."""
    state: ServerState = connection.app.state.server
    return state
