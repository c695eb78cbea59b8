"""Refusing at the door what would degrade the service for those inside: 413 and 429."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livelens.clock import NS_PER_S, now_ns
from livelens.server.answers import error_response

_BODY_S = 20.0
_MOST_CLIENTS = 4096


class TokenBucket:
    """How often one client may ask. Pure: time comes in.

    Args:
        per_s: requests a second in the long run; twice as many at once.
    """

    def __init__(self, per_s: float, now: int) -> None:
        self._per_s = per_s
        self._burst = max(1.0, 2 * per_s)
        self._left = self._burst
        self._last_ns = now

    def take(self, now: int) -> float:
        """Take one; returns seconds to wait, 0 when it was there."""
        passed_s = max(0, now - self._last_ns) / NS_PER_S
        self._left = min(self._burst, self._left + passed_s * self._per_s)
        self._last_ns = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_s


class RateLimit:
    """ASGI middleware: 429 with Retry-After to a client who asks too often."""

    def __init__(self, app: ASGIApp, *, per_s: float, clock: Callable[[], int] = now_ns) -> None:
        self._app = app
        self._per_s = per_s
        self._clock = clock
        self._clients: OrderedDict[str, TokenBucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        wait_s = self._bucket(str(client[0]) if client else "").take(self._clock())
        if wait_s == 0:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "too many requests"})
        else:
            response = error_response(
                f"more than {self._per_s:g} requests a second",
                429,
                {"Retry-After": str(math.ceil(wait_s))},
            )
            await response(scope, receive, send)

    def _bucket(self, client: str) -> TokenBucket:
        bucket = self._clients.get(client)
        if bucket is None:
            bucket = self._clients[client] = TokenBucket(self._per_s, self._clock())
            if len(self._clients) > _MOST_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(client)
        return bucket


class BodyLimit:
    """ASGI middleware: 413 to a body that is too large, before it is read if it says so.

    408 to one that does not come: connections are counted, and nobody may hold many for ever.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_s: float = _BODY_S) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_s = max_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        message = f"the body is larger than {self._max_bytes} bytes"
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self._max_bytes:
            response = error_response(message, 413, {"Connection": "close"})
            await response(scope, receive, send)
            return
        received = 0
        whole = False
        deadline_s = asyncio.get_running_loop().time() + self._max_s

        async def counting() -> Message:
            nonlocal received, whole
            try:
                async with asyncio.timeout_at(None if whole else deadline_s):
                    part = await receive()
            except TimeoutError:
                late = f"the body did not come within {self._max_s:g} s"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            whole = not part.get("more_body", False)
            received += len(part.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, message, {"Connection": "close"})
            return part

        await self._app(scope, counting, send)
