"""Recordings over HTTP: start, stop, list, play, download, delete."""

import math

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from livelens.errors import ConfigError, NotFound
from livelens.server.answers import json_body, json_response
from livelens.server.identity import Action, who
from livelens.server.recordings.archive import RecordingInfo
from livelens.server.recordings.lines import span
from livelens.server.recordings.ranges import file_response, pieces
from livelens.server.recordings.recorder import Recorder, without_marks
from livelens.server.state import state_of
from livelens.server.threads import in_thread

JSON_LINES = "application/jsonl"
_PAGE = 50
_MOST = 500


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to record.

    Attributes:
        drawn: what is found is drawn on the pictures; else they are as the source gives them.
    """

    drawn: bool = False


class Storage(msgspec.Struct, frozen=True):
    """Room for recordings, in bytes; None where there is no limit.

    Attributes:
        used_bytes: by all recordings.
        free_bytes: of the disk.
        max_age_s: recordings that ended before are deleted.
    """

    used_bytes: int
    max_bytes: int | None
    free_bytes: int
    min_free_bytes: int
    max_age_s: float | None
    max_length_s: float


class RecordingList(msgspec.Struct, frozen=True):
    """Recordings, the newest first.

    Attributes:
        total: that fit the question, on all pages.
        streams: names of all streams of which there is a recording.
    """

    recordings: list[RecordingInfo]
    total: int
    streams: list[str]
    storage: Storage


async def start_recording(request: Request) -> Response:
    """Begin to record a stream. Nobody who watches notices."""
    body = await json_body(request) if await request.body() else {}
    try:
        wanted = msgspec.convert(body, Start)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None
    info = await _recorder(request).start(request.path_params["stream"], drawn=wanted.drawn)
    return json_response(info, 201, {"Location": f"/api/recordings/{info.id}"})


async def list_recordings(request: Request) -> Response:
    """Recordings, the newest first."""
    recorder = _recorder(request)
    wanted_streams = request.query_params.getlist("stream")
    state = request.query_params.get("state")
    if state not in (None, "recording", "ended"):
        raise ConfigError("state is recording or ended - at ?state")
    limit, skip = _number(request, "limit", _PAGE, _MOST), _number(request, "skip", 0, 10**9)
    identity = who(request)
    every = await recorder.all()
    mine = [info for info in every if identity.may("view", info.stream)]
    found = [
        info
        for info in mine
        if (not wanted_streams or info.stream in wanted_streams) and state in (None, info.state)
    ]
    settings = recorder.settings
    storage = Storage(
        used_bytes=sum(info.size_bytes for info in every),
        max_bytes=settings.max_bytes,
        free_bytes=await in_thread(recorder.archive.free_bytes),
        min_free_bytes=settings.min_free_bytes,
        max_age_s=settings.max_age_s,
        max_length_s=settings.max_length_s,
    )
    shown = [without_marks(info) for info in found[skip : skip + limit]]
    streams = sorted({info.stream for info in mine})
    return json_response(RecordingList(shown, len(found), streams, storage))


async def get_recording(request: Request) -> Response:
    """One recording, with what was seen in it when."""
    return json_response(await _info(request))


async def stop_recording(request: Request) -> Response:
    """End a recording; one that has ended stays as it is."""
    info = await _info(request, "control")
    return json_response(await _recorder(request).stop(info.id))


async def remove_recording(request: Request) -> Response:
    """Delete a recording and its files; one that goes on is ended first."""
    info = await _info(request, "control")
    await _recorder(request).delete(info.id)
    return Response(status_code=204)


async def recording_video(request: Request) -> Response:
    """The video, MP4; of a recording that goes on what there is of it."""
    info = await _info(request)
    recorder = _recorder(request)
    path = recorder.archive.file(info.id, ".mp4")
    headers = {"Content-Type": "video/mp4"}
    if request.query_params.get("download") == "1":
        headers["Content-Disposition"] = f'attachment; filename="{info.id}.mp4"'
    tape = recorder.tape(info.id)
    if tape is not None and not tape.closed.is_set():
        upto = _number(request, "to", -1, 1 << 62)
        snapshot = await in_thread(tape.snapshot, upto if upto >= 0 else None)
        if snapshot is None:
            raise NotFound("nothing of this recording can be played yet")
        size, head = snapshot
        return file_response(request, path, size, f'"{info.id}-{size}"', headers, head=head)
    try:
        stat = await in_thread(path.stat)
        if not stat.st_size:  # the disk was full before its first picture
            raise FileNotFoundError
    except OSError:
        raise NotFound("this recording has no video") from None
    etag = f'"{info.id}-{stat.st_size}-{stat.st_mtime_ns}"'
    return file_response(request, path, stat.st_size, etag, headers)


async def recording_results(request: Request) -> Response:
    """What was found, one message a line, all or from a moment of the video to another."""
    info = await _info(request)
    from_ns, to_ns = (_moment(request, key, info.first_pts_ns) for key in ("from_s", "to_s"))
    path = _recorder(request).archive.file(info.id, ".jsonl")
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
    if request.query_params.get("download") == "1":
        headers["Content-Disposition"] = f'attachment; filename="{info.id}.jsonl"'
    try:
        first, last = await in_thread(span, path, from_ns, to_ns)
    except OSError:
        raise NotFound("this recording has no results") from None
    if request.method == "HEAD":
        return Response(headers=headers, media_type=JSON_LINES)
    return StreamingResponse(pieces(path, first, last), headers=headers, media_type=JSON_LINES)


async def recording_picture(request: Request) -> Response:
    """A small JPEG of its beginning."""
    info = await _info(request)
    path = _recorder(request).archive.file(info.id, ".jpg")
    try:
        data = await in_thread(path.read_bytes)
    except OSError:
        raise NotFound("this recording has no picture") from None
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
    return Response(data, headers=headers, media_type="image/jpeg")


def _recorder(request: Request) -> Recorder:
    return state_of(request).recorder


async def _info(request: Request, action: Action = "view") -> RecordingInfo:
    """The recording of the path.

    Raises:
        NotFound: there is none that he who asks may see.
        Forbidden: he may see it, and may not do this.
    """
    info = await _recorder(request).get(request.path_params["recording"])
    identity = who(request)
    if not identity.may("view", info.stream):
        raise NotFound("there is no such recording")
    identity.require(action, info.stream)
    return info


def _number(request: Request, key: str, usual: int, most: int) -> int:
    text = request.query_params.get(key)
    if text is None:
        return usual
    # Beyond so many digits Python reads no number at all.
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= value <= most:
        raise ConfigError(f"{key} is a number from 0 to {most} - at ?{key}")
    return value


def _moment(request: Request, key: str, first_pts_ns: int) -> int | None:
    """A moment of the video as the pts of a frame."""
    text = request.query_params.get(key)
    if text is None:
        return None
    try:
        at_s = float(text)
    except ValueError:
        at_s = math.nan
    if not 0 <= at_s <= 1e9:
        raise HTTPException(400, f"{key} is a number of seconds, 0 or more - at ?{key}")
    return first_pts_ns + round(at_s * 1e9)
