"""Files in pieces, as players ask for them: `Range`, `If-Range`, `ETag` (RFC 9110, 13 and 14)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from livelens.server.threads import in_thread

_CHUNK_BYTES: Final = 262_144
_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.I | re.A)


def file_response(
    request: Request,
    path: Path,
    size: int,
    etag: str,
    headers: dict[str, str],
    *,
    head: bytes = b"",
) -> Response:
    """The file, or the one range of it that was asked for. Several ranges get the whole.

    Args:
        size: how much of the file counts, in bytes.
        etag: changes with the content, quotes included.
        head: stands in the place of as many bytes at the beginning.

    Raises:
        HTTPException: 416, the range lies outside.
    """
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "private, no-cache",
               "X-Content-Type-Options": "nosniff", **headers}  # fmt: skip
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    wanted = None
    if request.headers.get("if-range", etag) == etag:
        wanted = _range(request.headers.get("range", ""), size)
    first, last = wanted or (0, size)
    headers["Content-Length"] = str(last - first)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    status = 200 if wanted is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(pieces(path, first, last, head), status, headers)


async def pieces(path: Path, first: int, last: int, head: bytes = b"") -> AsyncIterator[bytes]:
    """The bytes of a file from `first` up to `last`, read beside the event loop."""
    file = await in_thread(path.open, "rb")
    try:
        while first < last:
            await in_thread(file.seek, first)
            piece = await in_thread(file.read, min(_CHUNK_BYTES, last - first))
            if not piece:
                return  # it has become shorter: the client sees that less came than was said
            if first < len(head):
                piece = (head[first:] + piece[len(head) - first :])[: len(piece)]
            first += len(piece)
            yield piece
    finally:
        await in_thread(file.close)


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Where the range begins and ends; None where there is none that is understood."""
    found = _RANGE.fullmatch(text)
    if found is None or found.groups() == ("", ""):
        return None
    begin, end = found.groups()
    first = int(begin) if begin else max(0, size - int(end))
    last = min(int(end) + 1, size) if begin and end else size
    if begin and end and int(end) < int(begin):
        return None  # malformed: as if it were not there
    if first >= size or last <= first:
        raise HTTPException(416, headers={"Content-Range": f"bytes */{size}"})
    return first, last
