"""Runs the application under uvicorn, from the socket to the last farewell."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette

from livelens.errors import ConfigError, LivelensError
from livelens.server.access.desk import prepare
from livelens.server.access.tokens import Token, new_token
from livelens.server.app import create_app
from livelens.server.calm import Calm
from livelens.server.config import CertificateFiles, Listening, ServerConfig, load_config
from livelens.server.greeting import CAMERA_GRANT, CAMERA_S, Greeting, base_url
from livelens.server.https.door import Door
from livelens.server.https.tls import wanted_tls
from livelens.server.log import LogForm, set_up_logging
from livelens.server.state import ServerState
from livelens.server.threads import in_thread

log = structlog.get_logger(__name__)

# What waits in the kernel for a reader is beyond our queues, and old when it arrives.
_SEND_BUFFER_BYTES = 262_144
_GRACE_S = 1
_MAX_MESSAGE_BYTES = 65_536
_LOOK_AT_CERTIFICATE_S = 60.0
# Besides readers of results, whose connections last.
_SPARE_CONNECTIONS = 256


class Server(uvicorn.Server):
    """A uvicorn server that ends streams and sessions before it waits for its connections.

    Attributes:
        url: under which it is reached.
        state: what it serves.
        tls: the certificate, where it speaks HTTPS.

    Args:
        app: what it serves.
        listening: where.
        names: that a certificate of its own is for, besides those of this machine.

    Raises:
        ConfigError: the certificate or the address cannot be used.
    """

    def __init__(self, app: Starlette, listening: Listening, names: Sequence[str] = ()) -> None:
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
        self.tls = wanted_tls(listening, names)
        self._listener = _bound(listening)
        port = self._listener.getsockname()[1]
        self.url = base_url(listening.host, port, tls=self.tls is not None)
        self._beside: list[asyncio.Task[None]] = []

    async def run_here(self) -> None:
        """Serve until `should_exit` is set, or a signal comes."""
        # Behind TLS the door accepts, and not uvicorn.
        await self.serve(sockets=[self._listener] if self.tls is None else [])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        await super().startup(sockets=sockets)
        if self.tls is not None:
            door = Door(self._listener, self.tls, self._protocol)
            self._beside = [
                asyncio.create_task(door.keep_open(), name="door"),
                asyncio.create_task(self._look_after_certificate(), name="certificate"),
            ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams and sessions, which ends the readers of results, then the rest."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        self._listener.close()
        await self.state.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def _look_after_certificate(self) -> None:
        while self.tls is not None:
            await asyncio.sleep(_LOOK_AT_CERTIFICATE_S)
            await in_thread(self.tls.look)


def serve(
    config: ServerConfig | Path | str | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    tls: Literal["auto", "off"] | CertificateFiles | None = None,
    keep_streams: str | None = None,
    qr: bool = False,
    links: bool = False,
    log: LogForm = "console",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        config: a configuration or its YAML file; the defaults without one.
        host, port, tls, keep_streams: take precedence over the configuration.
        qr: show the QR code for a phone also where standard output is no terminal.
        links: show a link to sign in with also where standard output is no terminal.
        log: form of the log lines.
        ready: called with the address once the server listens; prints it by default.

    Raises:
        ConfigError: the configuration cannot mean anything, or the address cannot be used.
    """
    set_up_logging(log)
    if not isinstance(config, ServerConfig):
        config = load_config(Path(config) if config is not None else None)
    changes = {"host": host, "port": port, "tls": tls, "keep_streams": keep_streams}
    config = _with_changes(config, {k: v for k, v in changes.items() if v is not None})
    access, made = prepare(config)
    server = Server(create_app(config, access), config.server, config.webrtc.advertised_hosts)
    camera = new_token("camera of the QR code", "share", (CAMERA_GRANT,), CAMERA_S)
    greeting = Greeting(
        config.server, access, made, server.tls, qr, links, access.signer.token(camera)
    )
    (ready or greeting.tell)(server.url)
    shown = ready is None and greeting.shows_camera
    with _runner() as runner:
        runner.run(_served(server, camera if shown else None))


async def _served(server: Server, camera: Token | None = None) -> None:
    if camera is not None:  # so that it stands in the list, and can be revoked
        try:
            await server.state.access.make_token(camera)
        except LivelensError as error:
            log.warning("the QR code's link cannot be revoked", why=str(error))
    calm = asyncio.create_task(Calm(server.state).keep(), name="calm")
    try:
        await server.run_here()
    finally:
        calm.cancel()
        with suppress(asyncio.CancelledError):
            await calm


def _with_changes(config: ServerConfig, changes: dict[str, Any]) -> ServerConfig:
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
