"""What the routes of one server share."""

from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from livelens.flow.engine import Engine
from livelens.server.config import ServerConfig
from livelens.server.feeds import Streams
from livelens.server.sessions import Sessions


@dataclass(slots=True)
class ServerState:
    """A running server.

    Attributes:
        token: what clients must show; None where none is wanted.
        readers: of results by SSE and WebSocket, at present, by transport.
        results_lost: messages that readers were too slow for, by transport.
        refused: requests refused, by status.
        closing: no new sessions and readers any more.
    """

    config: ServerConfig
    engine: Engine
    streams: Streams
    sessions: Sessions
    token: str | None = None
    readers: Counter[str] = field(default_factory=Counter)
    results_lost: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    closing: bool = False

    @classmethod
    def of(cls, config: ServerConfig, token: str | None) -> "ServerState":
        """A server that has not started anything yet."""
        engine = Engine()
        streams = Streams(engine, config)
        return cls(config, engine, streams, Sessions(engine, streams, config), token)

    async def close(self) -> None:
        """Stop all streams and sessions, within about two seconds. More than once is fine."""
        if not self.closing:
            self.closing = True
            await self.streams.close()
            await self.sessions.close()


def state_of(connection: HTTPConnection) -> ServerState:
    """The server that a request or WebSocket came to."""
    state: ServerState = connection.app.state.server
    return state
