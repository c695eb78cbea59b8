"""Refusing at the door what would degrade the service for those inside: 413 and 429."""

import asyncio
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livelens.clock import NS_PER_S, now_ns
from livelens.server.answers import error_response
from livelens.server.config import Network

_BODY_S = 20.0
_LINGER_S = 1.0
_MOST_CLIENTS = 4096


class TokenBucket:
    """How often one client may ask. Pure: time comes in.

    Args:
        per_s: requests a second in the long run.
        burst: at once; twice as many as in a second by default.
    """

    def __init__(self, per_s: float, now: int, *, burst: float | None = None) -> None:
        self._per_s = per_s
        self._burst = burst if burst is not None else max(1.0, 2 * per_s)
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

    def give_back(self) -> None:
        """What was taken was not used."""
        self._left = min(self._burst, self._left + 1)


class RateLimit:
    """ASGI middleware: 429 with Retry-After to a client who asks too often.

    Args:
        per_s: requests a second of one client.
        proxies: whose word about their clients is taken; see `client_of`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        per_s: float,
        proxies: Sequence[Network] = (),
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._app = app
        self._per_s = per_s
        self._proxies = proxies
        self._clock = clock
        self._clients: OrderedDict[str, TokenBucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        wait_s = self._bucket(client_of(scope, self._proxies)).take(self._clock())
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


def client_of(scope: Scope, proxies: Sequence[Network]) -> str:
    """The address of who asks, "" where it is unknown.

    Each proxy adds to X-Forwarded-For whom it got the request from. So the list is read from
    its end, as far as the proxies are ours; what stands before that may be anybody's invention.
    """
    client = scope.get("client")
    asking = str(client[0]) if client else ""
    if not proxies:
        return asking
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
    while told and among(asking, proxies):
        address = _without_port(told.pop().strip())
        if address is None:
            break
        asking = address
    return asking


def among(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; no address never is."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known in network for network in networks)


def _without_port(text: str) -> str | None:
    """The address in `1.2.3.4`, `1.2.3.4:5`, `::1` or `[::1]:5`; None if it is none."""
    host = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


class BodyLimit:
    """ASGI middleware: 413 to a body that is too large, before it is read if it says so.

    408 to one that does not come: connections are counted, and nobody may hold many for ever.

    Args:
        max_bytes: the most that a body may have.
        larger: the same for paths that begin so.
        streamed: paths that begin so take bodies as they come: `max_s` is for each part.
        max_s: seconds that a body may take to come.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        larger: Mapping[str, int] | None = None,
        streamed: tuple[str, ...] = (),
        max_s: float = _BODY_S,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger or {}
        self._streamed = streamed
        self._max_s = max_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limits = (most for path, most in self._larger.items() if scope["path"].startswith(path))
        max_bytes = next(limits, self._max_bytes)
        message = f"the body is larger than {max_bytes} bytes"
        body = _Body(receive, send)
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > max_bytes:
            response = error_response(message, 413, {"Connection": "close"})
            await response(scope, body.receive, body.send)
            return
        now_s = asyncio.get_running_loop().time
        streamed = any(scope["path"].startswith(each) for each in self._streamed)
        deadline_s = now_s() + self._max_s

        async def counting() -> Message:
            until_s = now_s() + self._max_s if streamed else deadline_s
            try:
                async with asyncio.timeout_at(None if body.whole else until_s):
                    part = await body.receive()
            except TimeoutError:
                late = f"the body did not come within {self._max_s:g} s"
                if streamed:
                    late = f"nothing more of the body came for {self._max_s:g} s"
                raise HTTPException(408, late, {"Connection": "close"}) from None
            if body.received > max_bytes:
                raise HTTPException(413, message, {"Connection": "close"})
            return part

        await self._app(scope, counting, body.send)


class _Body:
    """The body of one request, and what is answered to it.

    Who is sending while his connection is closed gets a reset, which may take the answer with
    it. So more of a refused body is read, for a moment, before the end of the answer is sent.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._closes = False
        self.received = 0
        self.whole = False

    async def receive(self) -> Message:
        part = await self._receive()
        self.whole = not part.get("more_body", False)
        self.received += len(part.get("body", b""))
        return part

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._closes = Headers(raw=message["headers"]).get("connection") == "close"
        elif self._closes and not self.whole and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_S):
                    while not self.whole:
                        await self.receive()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)
