"""Counts what is refused, wherever in the server that happens."""

from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEALTH = frozenset({"/healthz", "/readyz"})
# What a WebSocket that is closed before it was accepted would have been answered by HTTP.
_OF_CLOSE = {1008: 403, 1013: 429}


class Refusals:
    """ASGI middleware around all others.

    Args:
        refused: counts by status; mistakes of ours (500) are counted where they are caught.
    """

    def __init__(self, app: ASGIApp, *, refused: Counter[int]) -> None:
        self._app = app
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in _HEALTH:
            await self._app(scope, receive, send)
            return
        accepted = False

        async def sending(message: Message) -> None:
            nonlocal accepted
            kind = message["type"]
            if kind in ("http.response.start", "websocket.http.response.start"):
                if message["status"] >= 400:
                    self._refused[message["status"]] += 1
            elif kind == "websocket.accept":
                accepted = True
            elif kind == "websocket.close" and not accepted:
                self._refused[_OF_CLOSE.get(message.get("code", 1000), 403)] += 1
            await send(message)

        await self._app(scope, receive, sending)
