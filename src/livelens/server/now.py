"""What time it is at the server."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens.clock import wall_ns
from livelens.server.answers import json_response


class Now(msgspec.Struct, frozen=True):
    """The server's wall clock, that of `captured_unix_ns`, at the moment of the answer."""

    unix_ns: int


async def now(_: Request) -> Response:
    """The server's wall clock, for who wants to know how old a picture is."""
    return json_response(Now(wall_ns()), headers={"Cache-Control": "no-store"})
