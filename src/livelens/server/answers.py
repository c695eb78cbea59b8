"""What every route answers with: JSON, and errors as one clear line."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens.errors import (
    BadSdp,
    CapacityError,
    ConfigError,
    Conflict,
    Forbidden,
    LivelensError,
    NotFound,
    Unavailable,
)
from livelens.server.state import state_of

_STATUS: tuple[tuple[type[LivelensError], int], ...] = (
    (BadSdp, 400),
    (ConfigError, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (CapacityError, 503),
    (Unavailable, 503),
)
# What was asked for makes sense and cannot be done: a folder or a model is missing.
_CANNOT = 422


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A value, msgspec structs among it, as JSON."""
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def error_response(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that cannot be served."""
    return json_response({"error": message}, status, headers)


def status_of(error: Exception) -> int:
    """The HTTP status that says the same as an error raised on purpose."""
    return next((code for kind, code in _STATUS if isinstance(error, kind)), _CANNOT)


async def livelens_error(_: Request, error: Exception) -> Response:
    """Answer an error raised on purpose."""
    status = status_of(error)
    headers = None
    if isinstance(error, CapacityError):
        headers = {"Retry-After": str(error.retry_after_s)}
    elif isinstance(error, Unavailable):
        headers = {"Retry-After": "2"}
    return error_response(str(error), status, headers)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer an error of the HTTP layer: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    message = error.detail
    if message == HTTPStatus(error.status_code).phrase:
        message = f"{message}: {request.method} {request.url.path}"
    return error_response(message, error.status_code, error.headers)


async def gone(_: Request, __: Exception) -> Response:
    """Answer a client who left before his request was complete: nobody reads it."""
    return error_response("the request is incomplete", 400)


async def unexpected_error(request: Request, _: Exception) -> Response:
    """Answer a mistake of ours; the traceback goes on to the log, but not to the client."""
    state_of(request).refused[500] += 1
    return error_response("internal error; the server's log says more", 500)


async def json_body(request: Request) -> object:
    """The body of a request, which must be JSON.

    Another media type is refused because a page of any origin may send it unasked.
    """
    if media_type(request) != "application/json":
        raise HTTPException(415, "expected Content-Type: application/json")
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise ConfigError("the body is nested too deeply") from None


def media_type(request: Request) -> str:
    """The media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
