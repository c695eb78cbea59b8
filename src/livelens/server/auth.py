"""Who asks, under which name, and from which page: looked at before anything is answered.

A server on a loopback address is reached by the pages that a browser on this machine shows:
a foreign page must not command it (Origin), nor reach it under a name of its own (Host,
against DNS rebinding). Who asks is found out here; what he may do, where routes begin.
"""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from livelens.server.access.desk import Access
from livelens.server.access.evidence import LOCAL_NAMES, asked_name, has_own_name, is_loopback
from livelens.server.answers import error_response
from livelens.server.config import Listening
from livelens.server.identity import Shown

_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def origin_allowed(origin: str, host: str, listening: Listening, *, strict: bool = False) -> bool:
    """Whether a page of this origin may command the server asked for as `host`.

    Args:
        strict: pages of this machine's other ports may not; browsers send them cookies too.
    """
    if origin in listening.origins:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https"):
        return False
    return parts.netloc == host or (not strict and parts.hostname in LOCAL_NAMES)


class Guard:
    """ASGI middleware: finds out who asks, answers 403 to foreign pages and names."""

    def __init__(self, app: ASGIApp, *, listening: Listening, access: Access) -> None:
        self._app = app
        self._listening = listening
        self._access = access
        self._checks_host = is_loopback(listening.host) and listening.token is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        shown = await self._access.look_at(connection)
        if scope["path"] not in _OPEN_PATHS:
            refusal = self._host_refused(scope) or self._origin_refused(connection, shown)
            if refusal is not None:
                await _refuse(scope, receive, send, refusal)
                return
        shown.put(connection)
        await self._app(scope, receive, send)

    def _host_refused(self, scope: Scope) -> str | None:
        if not self._checks_host or has_own_name(scope, self._listening):
            return None
        return f"this server does not answer to the name {asked_name(scope)!r}; see server.hosts"

    def _origin_refused(self, connection: HTTPConnection, shown: Shown) -> str | None:
        origin = connection.headers.get("origin")
        scope = connection.scope
        commands = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin is None or not commands:
            return None
        host = connection.headers.get("host", "")
        if origin_allowed(origin, host, self._listening, strict=shown.way == "cookie"):
            return None
        return f"pages of {origin} may not use this server; see server.origins"


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    response = error_response(why, 403)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    await response(scope, receive, send)
