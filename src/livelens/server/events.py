"""Results, problems and states as Server-Sent Events and over WebSocket.

Each reader has a bounded queue of his own; when it is full he loses the oldest message.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from livelens.errors import CapacityError, Closed, LivelensError
from livelens.events import encoded, json_schema
from livelens.flow.bus import Subscription
from livelens.server.answers import error_response, json_response, status_of
from livelens.server.filters import EVERYTHING, Filter, filter_of
from livelens.server.identity import Identity, who
from livelens.server.state import ServerState, state_of

_PING_S = 15.0
_NO_CACHE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def stream_results(request: Request) -> Response:
    """The messages of one stream as Server-Sent Events."""
    state = state_of(request)
    pipeline = state.engine.get(request.path_params["stream"])
    chosen = filter_of(request, pipeline.spec)
    messages = subscribed(state, pipeline.stream_id)
    return event_stream(state, messages, _lines(messages, chosen))


async def all_events(request: Request) -> Response:
    """Problems and states of all streams as Server-Sent Events."""
    state = state_of(request)
    messages = subscribed(state, None)
    return event_stream(state, messages, _lines(messages, seen_by=who(request)))


async def message_schema(_: Request) -> Response:
    """JSON Schema of the messages."""
    return json_response(json_schema())


async def results_socket(socket: WebSocket) -> None:
    """The messages of one stream over WebSocket, one JSON object in each text frame."""
    state = state_of(socket)
    try:
        pipeline = state.engine.get(socket.path_params["stream"])
        chosen = filter_of(socket, pipeline.spec)
        messages = subscribed(state, pipeline.stream_id)
    except LivelensError as error:
        await socket.send_denial_response(error_response(str(error), status_of(error)))
        return
    with (
        _Reader(state, messages, "websocket"),
        state.leases.during(who(socket), messages.close),
    ):
        await socket.accept()
        sending = asyncio.create_task(_send_all(socket, messages, chosen))
        try:
            while True:  # what a reader says is of no interest, but that he leaves is
                await socket.receive_text()
        except (WebSocketDisconnect, KeyError):
            pass
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending


class _Reader:
    """Counts a reader of results, and what he lost, while he is there."""

    def __init__(self, state: ServerState, messages: Subscription, transport: str) -> None:
        self._state = state
        self._messages = messages
        self._transport = transport

    def __enter__(self) -> "_Reader":
        self._state.readers[self._transport] += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._messages.close()
        self._state.results_lost[self._transport] += self._messages.dropped
        self._state.readers[self._transport] -= 1


class _Events(StreamingResponse):
    """A response that gives its subscription back, however it ends."""

    def __init__(
        self, state: ServerState, messages: Subscription, lines: AsyncIterator[bytes]
    ) -> None:
        super().__init__(lines, media_type="text/event-stream", headers=dict(_NO_CACHE))
        self._state, self._messages = state, messages
        self._reader = _Reader(state, messages, "sse")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity = who(HTTPConnection(scope))
        with self._reader, self._state.leases.during(identity, self._messages.close):
            if scope["method"] == "HEAD":  # who asks so gets no events, and must not wait for one
                self.body_iterator = _nothing()
            await super().__call__(scope, receive, send)


def event_stream(
    state: ServerState, messages: Subscription, lines: AsyncIterator[bytes]
) -> Response:
    """Lines as Server-Sent Events; the subscription that they come from ends with them."""
    return _Events(state, messages, lines)


def subscribed(state: ServerState, stream_id: str | None) -> Subscription:
    """A reader's subscription to one stream, or to the states and problems of all.

    Raises:
        CapacityError: there are as many readers as the limits allow, or the server closes.
    """
    most = state.config.server.limits.max_readers
    if state.closing or state.readers.total() >= most:
        raise CapacityError(f"the server has its {most} readers of results already")
    capacity = state.config.server.limits.result_queue
    return state.engine.bus.subscribe(stream_id, capacity=capacity, results=stream_id is not None)


async def _lines(
    messages: Subscription, chosen: Filter = EVERYTHING, seen_by: Identity | None = None
) -> AsyncIterator[bytes]:
    lost = 0
    yield b"retry: 1000\n\n"
    while True:
        try:
            async with asyncio.timeout(_PING_S):
                message = await messages.aget()
        except TimeoutError:
            yield b": ping\n\n"
            continue
        except Closed:
            return
        if messages.dropped != lost:
            yield b": %d messages lost\n\n" % (messages.dropped - lost)
            lost = messages.dropped
        if seen_by is not None and not seen_by.may("view", message.stream):
            continue
        data = encoded(chosen.of(message))
        yield b"event: %s\ndata: %s\n\n" % (_name(data), data)


async def _send_all(socket: WebSocket, messages: Subscription, chosen: Filter) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # the reader left while we were sending
        try:
            while True:
                await socket.send_text(encoded(chosen.of(await messages.aget())).decode())
        except Closed:
            await socket.close(1001, "the stream has ended")


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


def _name(data: bytes) -> bytes:
    """The type of an encoded message, which begins ``{"type":"result",``."""
    return data.split(b'"', 4)[3]
