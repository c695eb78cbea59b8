"""Whether the server lives, and whether it is ready."""

from starlette.requests import Request
from starlette.responses import Response

from livelens.server.answers import json_response
from livelens.server.identity import shown_by
from livelens.server.state import state_of


async def healthz(_: Request) -> Response:
    """The process lives and its event loop answers."""
    return json_response({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The configured streams have been started, and the server is not shutting down."""
    state = state_of(request)
    if state.closing:
        return json_response({"status": "closing"}, 503)
    if not state.streams.ready:
        return json_response({"status": "starting"}, 503)
    states = {stream_id: p.state for stream_id, p in sorted(state.engine.streams.items())}
    # Whoever asks learns how many; which they are, who may view them.
    identity = shown_by(request).identity
    missing = [
        each
        for each in state.config.streams
        if each not in states and identity is not None and identity.may("view", each)
    ]
    return json_response({"status": "ready", "streams": len(states), "not_started": missing})
