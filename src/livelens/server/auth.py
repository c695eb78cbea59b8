"""Who may use the server: the token, the Host header, and the origin of a web page.

A server on a loopback address trusts this machine, but not the pages that a browser on
it shows: a foreign page must not command it (Origin), nor reach it under a name of its
own (Host, against DNS rebinding). On any other address all routes but health want the
token, and the page gets it as a cookie once it was given in its URL.
"""

import hmac
import ipaddress
import os
import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from platformdirs import user_config_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livelens.errors import ConfigError
from livelens.server.answers import error_response
from livelens.server.config import Listening

COOKIE = "livelens_token"
_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN_FORM = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Livelens</title>
<form><label>This server wants the token that it printed when it started.
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Go on</button></form></html>
"""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def token_file() -> Path:
    """Where the token made at the first start is kept."""
    return user_config_path("livelens") / "token"


def wanted_token(listening: Listening) -> tuple[str | None, bool]:
    """The token that clients must show, and whether it has just been made.

    None on a loopback address, unless one is configured. Otherwise the configured one,
    else the one in `token_file`, which is made at the first start.

    Raises:
        ConfigError: the token cannot be read or written.
    """
    if listening.token is not None:
        return listening.token, False
    if is_loopback(listening.host):
        return None, False
    file = token_file()
    try:
        if file.exists():
            token = file.read_text(encoding="ascii").strip()
            if len(token) >= 16:
                return token, False
        token = secrets.token_urlsafe(32)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        # Created with its mode: there is no moment at which others could read it.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(token + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the token in {file} cannot be kept: {error}") from None
    return token, True


def origin_allowed(origin: str, host: str, listening: Listening) -> bool:
    """Whether a page of this origin may command the server asked for as `host`."""
    if origin in listening.origins:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https"):
        return False
    return parts.netloc == host or parts.hostname in _LOCAL_NAMES


class Guard:
    """ASGI middleware: lets through what may use the server, answers 401 or 403 to the rest."""

    def __init__(self, app: ASGIApp, *, listening: Listening, token: str | None) -> None:
        self._app = app
        self._listening = listening
        self._token = token
        self._hosts = _LOCAL_NAMES | {host.lower() for host in listening.hosts}
        self._checks_host = is_loopback(listening.host) and token is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._host_refused(headers) or self._origin_refused(scope, headers)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal, 403)
            return
        shown_in_url = False
        if self._token is not None:
            shown_in_url = self._right(_query_token(scope))
            if not (shown_in_url or self._right(_header_token(headers))):
                await _ask_for_token(scope, receive, send, headers)
                return
        keeps = shown_in_url and scope["type"] == "http" and scope["method"] == "GET"
        await self._app(scope, receive, self._with_cookie(send, scope) if keeps else send)

    def _right(self, shown: str | None) -> bool:
        return (
            shown is not None
            and self._token is not None
            and hmac.compare_digest(shown.encode(), self._token.encode())
        )

    def _host_refused(self, headers: Headers) -> str | None:
        if not self._checks_host:
            return None
        try:
            name = urlsplit(f"//{headers.get('host', '')}").hostname
        except ValueError:
            name = None
        if name in self._hosts:
            return None
        return f"this server does not answer to the name {name!r}; see server.hosts"

    def _origin_refused(self, scope: Scope, headers: Headers) -> str | None:
        origin = headers.get("origin")
        commands = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin is None or not commands:
            return None
        if origin_allowed(origin, headers.get("host", ""), self._listening):
            return None
        return f"pages of {origin} may not use this server; see server.origins"

    def _with_cookie(self, send: Send, scope: Scope) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                MutableHeaders(scope=message).append(
                    "Set-Cookie",
                    f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict{secure}",
                )
            await send(message)

        return sending


def _header_token(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    try:
        cookies: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return str(cookies[COOKIE].value) if COOKIE in cookies else None


def _query_token(scope: Scope) -> str | None:
    query = scope.get("query_string", b"").decode("latin-1")
    try:
        shown = parse_qs(query, max_num_fields=50).get("token")
    except ValueError:
        return None
    return shown[0] if shown else None


async def _ask_for_token(scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
    wants_page = scope["type"] == "http" and "text/html" in headers.get("accept", "")
    if not (wants_page and scope["method"] == "GET"):
        await _refuse(scope, receive, send, "a token is wanted: see the server's output", 401)
        return
    response = HTMLResponse(
        _TOKEN_FORM,
        401,
        {
            "WWW-Authenticate": "Bearer",
            "Content-Security-Policy": "default-src 'none'; form-action 'self'",
            "Referrer-Policy": "no-referrer",
        },
    )
    await response(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str, status: int) -> None:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    response = error_response(why, status, headers)
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    await response(scope, receive, send)
