"""Views of the server that many may watch: made once for all of them, told when they change."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens.clock import NS_PER_S, nanoseconds, now_ns
from livelens.errors import Closed, ConfigError
from livelens.flow.bus import Subscription
from livelens.server.answers import json_response
from livelens.server.events import event_stream, subscribed
from livelens.server.identity import Identity, who
from livelens.server.state import ServerState, state_of
from livelens.server.threads import in_thread

View = TypeVar("View", bound=msgspec.Struct)

_EVENTS = "text/event-stream"
_FRESH_NS = NS_PER_S // 5
_PING_NS = 15 * NS_PER_S


@dataclass(slots=True)
class Shown:
    """A view of one server as it was made last."""

    made_ns: int = -NS_PER_S
    view: msgspec.Struct | None = None
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class Board(Generic[View]):
    """One kind of view.

    Args:
        name: of its events.
        make: makes the view; on a thread, so it copies what may change.
        seen: what somebody may see of the view.
        unlike: what is told anew when it differs; None tells the view at every turn.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[ServerState], View],
        seen: Callable[[View, Identity], View],
        unlike: Callable[[View], object] | None = None,
    ) -> None:
        self.name = name
        self._make = make
        self._seen = seen
        self._unlike = unlike

    async def view(self, state: ServerState, *, fresh_ns: int = _FRESH_NS) -> View:
        """The view, as it is now or was `fresh_ns` ago at most."""
        shown = state.boards.setdefault(self.name, Shown())
        async with shown.making:
            if shown.view is None or now_ns() - shown.made_ns > fresh_ns:
                began_ns = now_ns()
                shown.view = await in_thread(self._make, state)
                shown.made_ns = began_ns
            view: View = shown.view  # type: ignore[assignment]
            return view

    async def answer(self, request: Request, *, every_s: float = 1.0) -> Response:
        """The view as JSON, or to who accepts events as a stream of them.

        Raises:
            CapacityError: there are as many readers as the limits allow.
        """
        state, identity = state_of(request), who(request)
        if _EVENTS not in request.headers.get("accept", ""):
            return json_response(self._seen(await self.view(state), identity))
        messages = subscribed(state, None)
        lines = self._told(state, identity, messages, nanoseconds(every_s))
        return event_stream(state, messages, lines)

    async def _told(
        self, state: ServerState, identity: Identity, messages: Subscription, every_ns: int
    ) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        known: object = None
        said_ns = 0
        while True:
            turn_ns = now_ns()
            whole = await self.view(state, fresh_ns=min(_FRESH_NS, every_ns // 2))
            view = self._seen(whole, identity)
            now_known = self._unlike(view) if self._unlike is not None else None
            if self._unlike is None or said_ns == 0 or now_known != known:
                known, said_ns = now_known, now_ns()
                yield b"event: %s\ndata: %s\n\n" % (self.name.encode(), msgspec.json.encode(view))
            elif now_ns() - said_ns > _PING_NS:
                said_ns = now_ns()
                yield b": ping\n\n"
            if not await _turn(messages, turn_ns + every_ns, hasty=self._unlike is not None):
                return


async def _turn(messages: Subscription, until_ns: int, *, hasty: bool) -> bool:
    """Wait for the next turn, or if `hasty` for a state or problem; False when all is over."""
    try:
        async with asyncio.timeout(max(0.0, (until_ns - now_ns()) / NS_PER_S)):
            while True:
                await messages.aget()
                if hasty:
                    # Several come at once where something happens, and views stay fresh a while.
                    await asyncio.sleep(_FRESH_NS / NS_PER_S)
                    return True
    except TimeoutError:
        return True
    except Closed:
        return False


def seconds_of(request: Request, name: str, default: float, least: float, most: float) -> float:
    """A query parameter in seconds.

    Raises:
        ConfigError: it is no number, or outside of its bounds.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ConfigError(f"{name} is a number of seconds, {least:g} to {most:g}, not {text!r}")
    return value
