"""`GET /api/viewers`: everybody who watches or publishes, as both ends see it."""

from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens.clock import NS_PER_S, now_ns, wall_ns
from livelens.errors import ConfigError
from livelens.media.peer import PeerStats
from livelens.server.answers import json_response, media_type
from livelens.server.figures.tables import Cell, csv_response, utc
from livelens.server.identity import who
from livelens.server.sessions import Kind, Session
from livelens.server.state import ServerState, state_of

MAX_REPORT_BYTES = 4096
# Once a second, and what a browser's timers are early.
_KEPT_EVERY_NS = 9 * NS_PER_S // 10

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Px = Annotated[int, msgspec.Meta(ge=0, le=32_768)]
Ms = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
Text = Annotated[str, msgspec.Meta(max_length=64)]


class ViewerReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a player says about itself; what its browser does not tell is left out.

    Attributes:
        browser, codec: by name.
        width_px, height_px: of the picture as it is decoded.
        fps, bitrate_bps: over the last seconds.
        jitter_ms: of packets.
        jitter_buffer_ms: how long frames wait in the browser for their turn, of late.
        decode_ms: time to decode a picture, of late.
        playout_ms: from a picture's first packet to the screen, of late.
        held_ms: how long the page holds pictures for their results.
        glass_to_glass_ms: from capture to the screen, where the clocks of both ends allow.
        rtt_ms: to the server and back.
        freezes, frozen_s: how often and how long the picture stood.
        packets_received, packets_lost, nacks, plis, firs: counted by the browser.
        frames_received, frames_decoded, frames_dropped, keyframes_decoded: likewise.
    """

    browser: Text | None = None
    codec: Text | None = None
    width_px: Px | None = None
    height_px: Px | None = None
    fps: Annotated[float, msgspec.Meta(ge=0, le=1000)] | None = None
    bitrate_bps: Annotated[float, msgspec.Meta(ge=0, le=1e12)] | None = None
    jitter_ms: Ms | None = None
    jitter_buffer_ms: Ms | None = None
    decode_ms: Ms | None = None
    playout_ms: Ms | None = None
    held_ms: Ms | None = None
    glass_to_glass_ms: Ms | None = None
    rtt_ms: Ms | None = None
    freezes: Count | None = None
    frozen_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)] | None = None
    packets_received: Count | None = None
    packets_lost: Count | None = None
    nacks: Count | None = None
    plis: Count | None = None
    firs: Count | None = None
    frames_received: Count | None = None
    frames_decoded: Count | None = None
    frames_dropped: Count | None = None
    keyframes_decoded: Count | None = None


class ViewerInfo(msgspec.Struct, frozen=True):
    """A WebRTC session.

    Attributes:
        id: tells sessions apart; their URLs are not told, since they would let one end them.
        kind: "whep" watches, "whip" publishes.
        rendition: that is watched.
        address: of the host that asked for the session.
        since_unix_ns: when it asked.
        server: how the server sees the link.
        report: what the viewer's player said last, and how old that is.
    """

    id: str
    kind: Kind
    stream: str
    rendition: str
    address: str
    since_unix_ns: int
    server: PeerStats
    report: ViewerReport | None
    report_age_s: float | None


class ViewerList(msgspec.Struct, frozen=True):
    """All sessions, who publishes first."""

    unix_ns: int
    sessions: list[ViewerInfo]


def viewers_of(
    state: ServerState,
    stream: str | None = None,
    *,
    may_see: Callable[[str], bool] = lambda _: True,
) -> ViewerList:
    """The sessions there are, of one stream or of all. On the event loop."""
    chosen = [
        session
        for session in state.sessions.all()
        if stream in (None, session.stream_id) and may_see(session.stream_id)
    ]
    chosen.sort(key=lambda s: (s.stream_id, s.kind != "whip", s.since_unix_ns))
    return ViewerList(wall_ns(), [_info(session) for session in chosen])


def _info(session: Session) -> ViewerInfo:
    heard = session.heard
    return ViewerInfo(
        id=session.peer.id[:6],
        kind=session.kind,
        stream=session.stream_id,
        rendition=session.rendition,
        address=session.address,
        since_unix_ns=session.since_unix_ns,
        server=session.peer.stats(),
        report=heard[1] if heard is not None else None,
        report_age_s=round((now_ns() - heard[0]) / NS_PER_S, 1) if heard is not None else None,
    )


async def viewers(request: Request) -> Response:
    """Who watches and who publishes, as the server sees it and as his player says."""
    return json_response(_asked(request))


async def viewers_csv(request: Request) -> Response:
    """Who watches and who publishes as a table: a row for each session."""
    told = _asked(request)
    rows = [dict(_row(each)) for each in told.sessions]
    # A table without rows has its columns all the same.
    header = list(rows[0]) if rows else ["kind", "stream", "rendition", "address", "since_utc"]
    return csv_response("viewers", header, [list(row.values()) for row in rows])


def _asked(request: Request) -> ViewerList:
    identity, stream = who(request), request.query_params.get("stream") or None
    # Addresses of people are nothing for others who watch.
    return viewers_of(state_of(request), stream, may_see=lambda each: identity.may("control", each))


async def report(request: Request) -> Response:
    """Take in what a viewer's player says about itself; one a second is kept."""
    path = request.path_params
    session = state_of(request).sessions.get("whep", path["stream"], path["session"])
    if media_type(request) != "application/json":
        raise HTTPException(415, "expected Content-Type: application/json")
    body = await request.body()
    if len(body) > MAX_REPORT_BYTES:
        raise HTTPException(413, f"the body is larger than {MAX_REPORT_BYTES} bytes")
    try:
        heard = msgspec.json.decode(body, type=ViewerReport)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not a report: {error}") from None
    now = now_ns()
    if session.heard is None or now - session.heard[0] >= _KEPT_EVERY_NS:
        session.heard = now, heard
    return Response(status_code=204)


def _row(session: ViewerInfo) -> Iterator[tuple[str, Cell]]:
    seen, said = session.server, session.report or ViewerReport()
    yield "kind", session.kind
    yield "stream", session.stream
    yield "rendition", session.rendition
    yield "address", session.address
    yield "since_utc", utc(session.since_unix_ns)
    yield "state", seen.state
    yield "connected_s", round(seen.connected_s, 1)
    yield "codec", seen.codec
    yield "rtt_ms", _ms(seen.rtt_s)
    yield "loss_percent", round(100 * seen.loss, 2)
    yield "jitter_ms", _ms(seen.jitter_s)
    yield "bitrate_bps", round(seen.bitrate_bps)
    yield "estimate_bps", seen.estimate_bps
    yield "keyframe_interval_s", _rounded(seen.keyframe_interval_s)
    for name in ("packets", "packets_lost", "pictures", "keyframes", "nacks", "plis", "recovered"):
        count: int = getattr(seen, name)
        yield name, count
    yield "pictures_dropped", sum(seen.dropped.values())
    yield "dropped_by_reason", " ".join(f"{why}={n}" for why, n in seen.dropped.items() if n)
    yield "audio_packets", seen.audio.packets if seen.audio else None
    yield "audio_packets_lost", seen.audio.lost if seen.audio else None
    yield "messages", seen.messages
    yield "messages_dropped", seen.messages_dropped
    yield "report_age_s", session.report_age_s
    for field in msgspec.structs.fields(said):
        value: Cell = getattr(said, field.name)
        yield f"player_{field.name}", _rounded(value) if isinstance(value, float) else value


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(1000 * value_s, 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
