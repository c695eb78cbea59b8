"""Clips over HTTP: upload, list, delete. They are written to the disk as they come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens.errors import CapacityError, Conflict, Forbidden, UploadError
from livelens.server.answers import json_response
from livelens.server.config import Uploads
from livelens.server.identity import who
from livelens.server.state import ServerState, state_of
from livelens.server.threads import in_thread
from livelens.server.uploads.folder import ClipFacts, FullError, Incoming, UploadFolder
from livelens.sources.upload import Upload

PATH = "/api/uploads/"
_MOST_AT_ONCE = 4
_CHUNK_BYTES = 1_048_576
_LOOK_S = 30.0
_CLOSE_S = 1.0
_OFF = "uploads are off: `uploads: {enabled: true}` in the configuration switches them on"


class UploadInfo(msgspec.Struct, frozen=True):
    """An uploaded clip.

    Attributes:
        name: which may differ from the one that was asked for.
        source: what to give as the source of a stream.
        duration_s, size_px, fps, codec: None where the clip does not tell.
        streams: ids of those that play it.
    """

    name: str
    source: str
    size_bytes: int
    duration_s: float | None
    size_px: tuple[int, int] | None
    fps: float | None
    codec: str | None
    streams: list[str]


class UploadList(msgspec.Struct, frozen=True):
    """All clips by name, and how large another one may be."""

    uploads: list[UploadInfo]
    max_bytes: int
    max_total_bytes: int
    free_bytes: int


class UploadDesk:
    """Takes clips for one server, a few at once."""

    def __init__(self, settings: Uploads) -> None:
        self.settings = settings
        self.folder = UploadFolder(settings)
        self._coming: set[asyncio.Timeout] = set()
        self._none_coming = asyncio.Event()

    async def take(
        self, asked: str, declared: int, parts: AsyncIterator[bytes]
    ) -> tuple[str, int, ClipFacts]:
        """Write a clip as it comes, look at it, and keep it.

        Raises:
            CapacityError: several are coming already, or the server is about to stop.
            FullError: there is no room.
            UploadError: it is no video.
        """
        if len(self._coming) >= _MOST_AT_ONCE:
            raise CapacityError(f"{_MOST_AT_ONCE} uploads are under way already")
        ending = asyncio.timeout(None)
        self._coming.add(ending)
        self._none_coming.clear()
        try:
            incoming = await in_thread(self.folder.begin, declared)
            try:
                try:
                    async with ending:
                        await _received(incoming, parts)
                except TimeoutError:
                    raise CapacityError("the server is about to stop") from None
                async with asyncio.timeout(_LOOK_S):
                    name, facts = await in_thread(self.folder.keep, incoming, asked)
            except TimeoutError:
                raise UploadError(f"{asked}: it could not be looked at in {_LOOK_S:g} s") from None
            finally:
                # What was kept has another name by now.
                await asyncio.shield(in_thread(self.folder.discard, incoming))
            return name, incoming.received, facts
        finally:
            self._coming.discard(ending)
            if not self._coming:
                self._none_coming.set()

    async def close(self) -> None:
        """Break off what is coming, so that nothing of it is left."""
        for ending in list(self._coming):
            with suppress(RuntimeError):  # it has not begun, or is being looked at
                ending.reschedule(0)
        if self._coming:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._none_coming.wait()


async def put_upload(request: Request) -> Response:
    """Upload a clip; the answer tells its name, with a number where the one asked for is taken."""
    desk = _desk(request)
    length = request.headers.get("content-length", "0")
    declared = int(length) if length.isdecimal() else 0
    right = asyncio.timeout(None)
    leases = state_of(request).leases
    try:
        async with right:
            with leases.during(who(request), lambda: right.reschedule(0)):
                asked = request.path_params["name"]
                name, size, facts = await desk.take(asked, declared, request.stream())
    except FullError as error:
        raise HTTPException(507, str(error), {"Connection": "close"}) from None
    except TimeoutError:
        why = "the right to upload has ended meanwhile"
        raise HTTPException(401, why, {"Connection": "close"}) from None
    info = _info(request, name, size, facts)
    return json_response(info, 201, {"Location": f"{PATH}{quote(name)}"})


async def list_uploads(request: Request) -> Response:
    """All uploaded clips."""
    desk = _desk(request)
    clips = await in_thread(desk.folder.clips)
    free = await in_thread(desk.folder.free_bytes)
    return json_response(
        UploadList(
            [_info(request, *clip) for clip in clips],
            desk.settings.max_bytes,
            desk.settings.max_total_bytes,
            min(free, desk.settings.max_bytes),
        )
    )


async def remove_upload(request: Request) -> Response:
    """Delete an uploaded clip that no stream plays."""
    name = request.path_params["name"]
    desk = _desk(request)
    if playing := _players(state_of(request), name):
        raise Conflict(f"the stream {playing[0]!r} plays {name!r}: remove the stream first")
    await in_thread(desk.folder.remove, name)
    return Response(status_code=204)


def _desk(request: Request) -> UploadDesk:
    desk = state_of(request).uploads
    if desk is None:
        raise Forbidden(_OFF)
    return desk


async def _received(incoming: Incoming, parts: AsyncIterator[bytes]) -> None:
    waiting = bytearray()
    async for part in parts:
        waiting += part
        if len(waiting) >= _CHUNK_BYTES:
            await in_thread(incoming.write, bytes(waiting))
            waiting.clear()
    if waiting:
        await in_thread(incoming.write, bytes(waiting))
    if not incoming.received:
        raise UploadError("the body is empty: send the clip as it is")


def _players(state: ServerState, name: str) -> list[str]:
    return sorted(
        stream_id
        for stream_id, pipeline in state.engine.streams.items()
        if isinstance(pipeline.spec.source, Upload) and pipeline.spec.source.name == name
    )


def _info(request: Request, name: str, size: int, facts: ClipFacts) -> UploadInfo:
    return UploadInfo(
        name=name,
        source=Upload(name=name).label,
        size_bytes=size,
        duration_s=facts.duration_s,
        size_px=facts.size_px,
        fps=facts.fps,
        codec=facts.codec,
        streams=[
            each for each in _players(state_of(request), name) if who(request).may("view", each)
        ],
    )
