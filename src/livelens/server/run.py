"""Runs the application under uvicorn, from the socket to the last farewell."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette

from livelens.errors import ConfigError
from livelens.server.app import create_app
from livelens.server.auth import is_loopback, token_file, wanted_token
from livelens.server.calm import Calm
from livelens.server.config import Listening, ServerConfig, load_config
from livelens.server.log import LogForm, set_up_logging
from livelens.server.state import ServerState

log = structlog.get_logger(__name__)

# What waits in the kernel for a reader is beyond our queues, and old when it arrives.
_SEND_BUFFER_BYTES = 262_144
_GRACE_S = 1
_MAX_MESSAGE_BYTES = 65_536
# Besides readers of results, whose connections last.
_SPARE_CONNECTIONS = 256


class Server(uvicorn.Server):
    """A uvicorn server that ends streams and sessions before it waits for its connections.

    Attributes:
        url: under which it is reached.
        state: what it serves.
    """

    def __init__(self, app: Starlette, listening: Listening) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="websockets-sansio",
                ws_max_size=_MAX_MESSAGE_BYTES,
                lifespan="on",
                log_config=None,
                access_log=False,  # it would show tokens in URLs
                server_header=False,
                proxy_headers=False,  # clients could choose whom the rate limit takes them for
                timeout_graceful_shutdown=_GRACE_S,
                limit_concurrency=listening.limits.max_readers + _SPARE_CONNECTIONS,
            )
        )
        self.state: ServerState = app.state.server
        self._listening = listening
        self._listener = _bound(listening)
        port = self._listener.getsockname()[1]
        host = listening.host
        if host in ("", "0.0.0.0", "::"):  # all addresses: tell the one that others reach
            host = _own_address()
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def run_here(self) -> None:
        """Serve until `should_exit` is set, or a signal comes."""
        await self.serve(sockets=[self._listener])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams and sessions, which ends the readers of results, then the rest."""
        await self.state.close()
        await super().shutdown(sockets)


def serve(
    config: ServerConfig | Path | str | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    log: LogForm = "console",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        config: a configuration or its YAML file; the defaults without one.
        host, port: take precedence over the configuration.
        log: form of the log lines.
        ready: called with the address once the server listens; prints it by default.

    Raises:
        ConfigError: the configuration cannot mean anything, or the address cannot be used.
    """
    set_up_logging(log)
    if not isinstance(config, ServerConfig):
        config = load_config(Path(config) if config is not None else None)
    config = _with_address(config, host, port)
    token, made = wanted_token(config.server)
    server = Server(create_app(config, token), config.server)
    (ready or _print_address(config.server, token, made))(server.url)
    with _runner() as runner:
        runner.run(_served(server))


async def _served(server: Server) -> None:
    calm = asyncio.create_task(Calm(server.state).keep(), name="calm")
    try:
        await server.run_here()
    finally:
        calm.cancel()
        with suppress(asyncio.CancelledError):
            await calm


def _with_address(config: ServerConfig, host: str | None, port: int | None) -> ServerConfig:
    changes: dict[str, str | int] = {}
    if host is not None:
        changes["host"] = host
    if port is not None:
        changes["port"] = port
    server = msgspec.structs.replace(config.server, **changes)
    return msgspec.structs.replace(config, server=server)


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _bound(listening: Listening) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            listening.host, listening.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            listener.bind(address)
            listener.listen(256)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        where = f"port {listening.port} of {listening.host}"
        raise ConfigError(f"cannot listen on {where}: {error.strerror or error}") from None
    listener.setblocking(False)
    return listener


def _own_address() -> str:
    """The address by which other machines reach this one; its name when there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it asks the routing table. The address is one for documentation.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _print_address(listening: Listening, token: str | None, made: bool) -> Callable[[str], None]:
    def print_it(url: str) -> None:
        print(f"Livelens is on {url}", flush=True)
        if token is not None and made:
            print(f"Open {url}?token={token}", flush=True)
            print(f"The token is kept in {token_file()}", flush=True)
        elif token is not None:
            kept = "the configuration" if listening.token is not None else str(token_file())
            print(f"Clients must show the token in {kept}", flush=True)
        if not is_loopback(listening.host):
            print("Connections are not encrypted: put a TLS proxy in front", file=sys.stderr)

    return print_it
