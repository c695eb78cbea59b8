"""The ASGI application: routes, and what stands between them and the world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import groupby

import anyio.lowlevel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from livelens.errors import LivelensError
from livelens.server.access.desk import Access
from livelens.server.answers import (
    error_response,
    gone,
    http_error,
    livelens_error,
    status_of,
    unexpected_error,
)
from livelens.server.auth import Guard
from livelens.server.config import CertificateFiles, ServerConfig
from livelens.server.figures.metrics import ServerCollector
from livelens.server.https.tls import StrictTransport
from livelens.server.limits import BodyLimit, RateLimit
from livelens.server.refusals import Refusals
from livelens.server.rights import permit
from livelens.server.routes import ENDPOINTS, SOCKETS, Endpoint, Socket
from livelens.server.state import ServerState
from livelens.server.threads import in_thread
from livelens.server.uploads.endpoints import PATH as UPLOADS
from livelens.server.uploads.endpoints import UploadDesk

_LOCAL_ORIGINS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_EXPOSED = ("Location", "ETag", "Link", "Accept-Patch", "Accept-Post", "Retry-After")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def create_app(config: ServerConfig, access: Access | None = None) -> Starlette:
    """The application for a configuration; its streams start with its lifespan.

    Args:
        access: knows who may use it; by default as the configuration says.

    Raises:
        ConfigError: what access needs cannot be kept.
    """
    listening = config.server
    access = access or Access.of(config)
    state = ServerState.of(config, access)
    trusted = isinstance(listening.tls, CertificateFiles)
    faces = config.faces
    larger = {"/api/faces/": faces.max_picture_bytes} if faces.enabled else {}
    if config.uploads.enabled:
        state.uploads = UploadDesk(config.uploads)
        larger[UPLOADS] = config.uploads.max_bytes
    state.engine.registry.register(ServerCollector(state))
    app = Starlette(
        routes=_routes(),
        middleware=[
            *([Middleware(StrictTransport)] if trusted else []),
            Middleware(Refusals, refused=state.refused),
            Middleware(
                RateLimit, per_s=listening.limits.requests_per_s, proxies=listening.networks
            ),
            Middleware(
                CORSMiddleware,
                allow_origins=listening.origins,
                allow_origin_regex=_LOCAL_ORIGINS,
                allow_methods=_METHODS,
                allow_headers=["Authorization", "Content-Type", "If-Match"],
                expose_headers=_EXPOSED,
            ),
            Middleware(Guard, listening=listening, access=access),
            Middleware(
                BodyLimit,
                max_bytes=listening.limits.max_body_bytes,
                larger=larger,
                streamed=(UPLOADS,),
            ),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
        ],
        exception_handlers={
            LivelensError: livelens_error,
            HTTPException: http_error,
            ClientDisconnect: gone,
            Exception: unexpected_error,
        },
        lifespan=_lifespan,
    )
    app.state.server = state
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start the configured streams beside the first requests, and stop everything at the end."""
    state: ServerState = app.state.server
    # Files are answered through anyio, whose first call loads its asyncio side: not while
    # streams run.
    await anyio.lowlevel.checkpoint()
    tasks = [
        asyncio.create_task(state.streams.add_configured(), name="configured streams"),
        asyncio.create_task(state.rates.keep_looking(), name="rates"),
        asyncio.create_task(state.event_log.keep(state.engine.bus), name="event log"),
        asyncio.create_task(state.leases.keep_looking(), name="leases"),
        asyncio.create_task(state.recorder.keep(), name="recordings"),
    ]
    state.history.start()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await state.close()
        await in_thread(state.history.close)
        await state.access.records.close()


def _routes() -> list[BaseRoute]:
    routes: list[BaseRoute] = [WebSocketRoute(each.path, _Talk(each)) for each in SOCKETS]
    for path, group in groupby(ENDPOINTS, key=lambda each: each.path):
        routes.append(Route(path, _Methods(tuple(group))))
    return routes


class _Methods:
    """One path: passes each method to its endpoint, answers 405 to all others.

    Starlette adds HEAD where there is GET; WHIP and WHEP reserve it where there is none.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._by_method = {each.method: each for each in endpoints}
        if "GET" in self._by_method:
            self._by_method["HEAD"] = self._by_method["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._by_method.get(scope["method"])
        if endpoint is None:
            allowed = ", ".join(sorted(self._by_method))
            raise HTTPException(405, headers={"Allow": allowed})
        request = Request(scope, receive, send)
        permit(request, endpoint.action, everywhere=endpoint.everywhere)
        response: ASGIApp = await endpoint.endpoint(request)
        await response(scope, receive, send)


class _Talk:
    """One WebSocket: answers as HTTP does to who may not open it."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        try:
            permit(socket, self._socket.action)
        except HTTPException as error:
            refusal = error_response(error.detail, error.status_code, error.headers)
            await socket.send_denial_response(refusal)
        except LivelensError as error:
            refusal = error_response(str(error), status_of(error))
            await socket.send_denial_response(refusal)
        else:
            await self._socket.talk(socket)
