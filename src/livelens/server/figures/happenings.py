"""`GET /api/log`: what has happened to streams lately."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from livelens.server.answers import json_response
from livelens.server.figures.eventlog import MOST_ENTRIES
from livelens.server.figures.history import whole_of
from livelens.server.figures.tables import csv_response, utc
from livelens.server.identity import who
from livelens.server.state import state_of

_SHOWN = 200


def _seen_by(request: Request) -> Callable[[str], bool]:
    identity = who(request)
    return lambda stream: identity.may("view", stream)


async def read_log(request: Request) -> Response:
    """The last states and problems, the newest first; repetitions are counted."""
    log, stream = state_of(request).event_log, request.query_params.get("stream") or None
    limit = whole_of(request, "limit", _SHOWN, 1, MOST_ENTRIES)
    after = whole_of(request, "after", 0, 0, 999_999_999)
    found = log.read(limit=limit, stream=stream, after=after, may_see=_seen_by(request))
    return json_response(found)


async def read_log_csv(request: Request) -> Response:
    """The last states and problems as a table."""
    log, stream = state_of(request).event_log, request.query_params.get("stream") or None
    limit = whole_of(request, "limit", MOST_ENTRIES, 1, MOST_ENTRIES)
    header = ["first_time_utc", "last_time_utc", "count", "stream", "kind", "what", "message"]
    rows = [
        (utc(e.first_unix_ns), utc(e.last_unix_ns), e.count, e.stream, e.kind, e.what, e.message)
        for e in log.read(limit=limit, stream=stream, may_see=_seen_by(request)).entries
    ]
    return csv_response("log", header, rows)
