"""Every route of the server, in one table: the application and its OpenAPI come from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from livelens.server import (
    about,
    algorithms,
    events,
    faces,
    health,
    now,
    openapi,
    pages,
    qr,
    signalling,
    source_check,
    sources,
    streams,
)
from livelens.server.about import ServerInfo
from livelens.server.access import session_routes, token_routes
from livelens.server.access.session_routes import Login, NewPassword, SessionInfo, SessionList
from livelens.server.access.token_routes import NewToken, TokenList, TokenWish
from livelens.server.algorithms import AlgorithmList
from livelens.server.describe import StreamInfo, StreamList
from livelens.server.faces import FaceInfo, FaceList
from livelens.server.figures import happenings, history, metrics, stats, viewers
from livelens.server.figures.eventlog import Log
from livelens.server.figures.history import History
from livelens.server.figures.stats import Stats
from livelens.server.figures.viewers import ViewerList, ViewerReport
from livelens.server.now import Now
from livelens.server.qr import QrWish
from livelens.server.recordings import endpoints as recordings
from livelens.server.recordings.archive import RecordingInfo
from livelens.server.recordings.endpoints import RecordingList, Start
from livelens.server.rights import Right
from livelens.server.source_check import SourceCheck
from livelens.server.sources import SourceList
from livelens.server.uploads import endpoints as uploads
from livelens.server.uploads.endpoints import UploadInfo, UploadList

Answer = Callable[[Request], Awaitable[Response]]
Talk = Callable[[WebSocket], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path.

    Attributes:
        body: media type of the request's body, and what it holds.
        answer: status and media type of success, and what the answer holds.
        action: the right that it wants; on the stream of the path, if that names one. `any`
            wants nothing but to know who asks, None is open to everybody. See `rights.permit`.
        everywhere: it wants the right on every stream.
        events: the same comes again and again to who accepts `text/event-stream`.
        errors: statuses besides 401, 403, 405 and 429, which any route may answer.
        query: names of query parameters, with what they mean.
        hidden: left out of the OpenAPI document.
    """

    method: str
    path: str
    endpoint: Answer
    answer: tuple[int, str, Any] = (200, "application/json", None)
    body: tuple[str, Any] | None = None
    errors: tuple[int, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    hidden: bool = False
    events: bool = False
    # Who forgets to say what a route wants keeps it to the administrator.
    action: Right | None = "admin"
    everywhere: bool = False

    @property
    def summary(self) -> str:
        """The first line of the endpoint's docstring."""
        return (self.endpoint.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Socket:
    """A path for WebSockets; `action` as of an `Endpoint`."""

    path: str
    talk: Talk
    action: Right | None = "admin"


JSON = "application/json"
EVENTS = "text/event-stream"
CSV = "text/csv"
SDP = signalling.SDP
_SESSION_ERRORS = (400, 404, 412, 413, 415, 422)
_PRESET = ("preset", "the preset that a stream which does not exist yet is made from")
_FILTER = (
    ("detector", "only objects that this detector found; may be repeated"),
    ("class", "only objects of this class; may be repeated"),
)
_INTERVAL = ("interval_s", "seconds between two events, 0.2 to 60; 1 by default")
_RENDITION = ("rendition", "the name of a whep sink; the stream's first by default")

_SINCE = ("since_s", "seconds to look back, 1 to 3600; 3600 by default")
_POINTS = ("points", "most points of each column, 1 to 1800")
_STREAM = ("stream", "only of this stream")
_LIMIT = ("limit", "most entries, 1 to 1000")
_AFTER = ("after", "only what has changed since this revision of the log")
_RECORDINGS = (
    ("stream", "only recordings of this stream; may be repeated"),
    ("state", "recording or ended"),
    ("limit", "how many at most, 50 by default"),
    ("skip", "how many newer ones to leave out"),
)
_TO = ("to", "while it goes on: playable_bytes as told before, for the same content again")
_DOWNLOAD = ("download", "1: as a file to be kept")
_FROM_S = ("from_s", "seconds of the video")
_TO_S = ("to_s", "seconds of the video, not included")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/healthz", health.healthz, action=None),
    Endpoint("GET", "/readyz", health.readyz, errors=(503,), action=None),
    Endpoint("GET", "/metrics", metrics.metrics, (200, "text/plain", str),
             action="view", everywhere=True),
    Endpoint("GET", "/openapi.json", openapi.document, action="any"),
    Endpoint("GET", "/api/session", session_routes.get_session, (200, JSON, SessionInfo),
             errors=(503,), action=None),
    Endpoint("POST", "/api/session", session_routes.log_in, (200, JSON, SessionInfo),
             (JSON, Login), errors=(400, 415, 503), action=None),
    Endpoint("DELETE", "/api/session", session_routes.log_out, (204, "", None), errors=(503,),
             action=None),
    Endpoint("PUT", "/api/password", session_routes.change_password, (204, "", None),
             (JSON, NewPassword), errors=(400, 409, 415, 422, 503), action="admin"),
    Endpoint("GET", "/api/sessions", session_routes.list_sessions, (200, JSON, SessionList),
             errors=(503,), action="admin"),
    Endpoint("DELETE", "/api/sessions/{session}", session_routes.end_session, (204, "", None),
             errors=(404, 503), action="admin"),
    Endpoint("GET", "/api/tokens", token_routes.list_tokens, (200, JSON, TokenList),
             errors=(503,), action="admin"),
    Endpoint("POST", "/api/tokens", token_routes.make_token, (201, JSON, NewToken),
             (JSON, TokenWish), errors=(400, 415, 503), action="admin"),
    Endpoint("DELETE", "/api/tokens/{token}", token_routes.revoke_token, (204, "", None),
             errors=(404, 503), action="admin"),
    Endpoint("GET", "/api/time", now.now, (200, JSON, Now), action="any"),
    Endpoint("POST", "/api/qr", qr.qr_code, (200, "image/svg+xml", str), (JSON, QrWish),
             errors=(400, 415), action="any"),
    Endpoint("GET", "/api/schema", events.message_schema, action="any"),
    Endpoint("GET", "/api/events", events.all_events, (200, EVENTS, str), errors=(503,),
             action="view"),
    Endpoint("GET", "/api/sources", sources.sources, (200, JSON, SourceList), errors=(503,),
             events=True, action="view"),
    Endpoint("POST", "/api/sources/check", source_check.check_source, (200, JSON, SourceCheck),
             (JSON, dict), errors=(400, 413, 415, 503), action="control"),
    Endpoint("GET", "/api/server", about.server, (200, JSON, ServerInfo), action="any"),
    Endpoint("GET", "/api/uploads", uploads.list_uploads, (200, JSON, UploadList),
             action="control"),
    Endpoint("PUT", "/api/uploads/{name}", uploads.put_upload, (201, JSON, UploadInfo),
             ("application/octet-stream", bytes), errors=(408, 413, 422, 503, 507),
             action="control"),
    Endpoint("DELETE", "/api/uploads/{name}", uploads.remove_upload, (204, "", None),
             errors=(404, 409, 422), action="control", everywhere=True),
    Endpoint("GET", "/api/algorithms", algorithms.algorithms, (200, JSON, AlgorithmList),
             errors=(503,), events=True, action="any"),
    Endpoint("GET", "/api/stats", stats.stats, (200, JSON, Stats), errors=(400, 503),
             query=(_INTERVAL,), events=True, action="view"),
    Endpoint("GET", "/api/history", history.history, (200, JSON, History), errors=(400, 404),
             query=(_SINCE, _STREAM, _POINTS), action="view"),
    Endpoint("GET", "/api/history.csv", history.history_csv, (200, CSV, str), errors=(400, 404),
             query=(_SINCE, _STREAM, _POINTS), action="view"),
    Endpoint("GET", "/api/viewers", viewers.viewers, (200, JSON, ViewerList), query=(_STREAM,),
             action="control"),
    Endpoint("GET", "/api/viewers.csv", viewers.viewers_csv, (200, CSV, str), query=(_STREAM,),
             action="control"),
    Endpoint("GET", "/api/log", happenings.read_log, (200, JSON, Log), errors=(400,),
             query=(_LIMIT, _STREAM, _AFTER), action="view"),
    Endpoint("GET", "/api/log.csv", happenings.read_log_csv, (200, CSV, str), errors=(400,),
             query=(_LIMIT, _STREAM), action="view"),
    Endpoint("GET", "/api/streams", streams.list_streams, (200, JSON, StreamList), action="any"),
    Endpoint("POST", "/api/streams", streams.add_stream, (201, JSON, StreamInfo), (JSON, dict),
             errors=(400, 409, 413, 415, 422, 503), action="control"),
    Endpoint("GET", "/api/streams/{stream}", streams.get_stream, (200, JSON, StreamInfo),
             errors=(404,), action="view"),
    Endpoint("PATCH", "/api/streams/{stream}", streams.change_stream, (200, JSON, StreamInfo),
             (JSON, dict), errors=(400, 404, 409, 413, 415, 422), action="control"),
    Endpoint("DELETE", "/api/streams/{stream}", streams.remove_stream, (204, "", None),
             errors=(404,), action="control"),
    Endpoint("POST", "/api/streams/{stream}/start", streams.start_stream, (200, JSON, StreamInfo),
             errors=(404, 409, 422), action="control"),
    Endpoint("POST", "/api/streams/{stream}/stop", streams.stop_stream, (200, JSON, StreamInfo),
             errors=(404,), action="control"),
    Endpoint("POST", "/api/streams/{stream}/restart", streams.restart_stream,
             (200, JSON, StreamInfo), errors=(404, 409, 422), action="control"),
    Endpoint("GET", "/api/streams/{stream}/results", events.stream_results, (200, EVENTS, str),
             errors=(404, 503), query=_FILTER, action="view"),
    Endpoint("POST", "/api/streams/{stream}/recordings", recordings.start_recording,
             (201, JSON, RecordingInfo), (JSON, Start), errors=(400, 404, 409, 415, 422, 503),
             action="control"),
    Endpoint("GET", "/api/recordings", recordings.list_recordings, (200, JSON, RecordingList),
             errors=(400,), query=_RECORDINGS, action="view"),
    Endpoint("GET", "/api/recordings/{recording}", recordings.get_recording,
             (200, JSON, RecordingInfo), errors=(404,), action="view"),
    Endpoint("DELETE", "/api/recordings/{recording}", recordings.remove_recording,
             (204, "", None), errors=(404, 409, 422), action="control"),
    Endpoint("POST", "/api/recordings/{recording}/stop", recordings.stop_recording,
             (200, JSON, RecordingInfo), errors=(404,), action="control"),
    Endpoint("GET", "/api/recordings/{recording}/video", recordings.recording_video,
             (200, "video/mp4", bytes), errors=(400, 404, 416), query=(_TO, _DOWNLOAD),
             action="view"),
    Endpoint("GET", "/api/recordings/{recording}/results", recordings.recording_results,
             (200, recordings.JSON_LINES, str), errors=(400, 404),
             query=(_FROM_S, _TO_S, _DOWNLOAD), action="view"),
    Endpoint("GET", "/api/recordings/{recording}/picture", recordings.recording_picture,
             (200, "image/jpeg", bytes), errors=(404,), action="view"),
    Endpoint("GET", "/api/faces", faces.list_faces, (200, JSON, FaceList), errors=(422,),
             action="control", everywhere=True),
    Endpoint("POST", "/api/faces/{name}", faces.enroll_face, (201, JSON, FaceInfo),
             ("image/jpeg", bytes), errors=(400, 413, 415, 422, 503),
             action="control", everywhere=True),
    Endpoint("DELETE", "/api/faces/{name}", faces.remove_face, (204, "", None),
             errors=(404, 422), action="control", everywhere=True),
    Endpoint("POST", "/whip/{stream}", signalling.publish, (201, SDP, str), (SDP, str),
             errors=(400, 404, 409, 413, 415, 503), query=(_PRESET,), action="publish"),
    Endpoint("OPTIONS", "/whip/{stream}", signalling.options, (200, "", None), action="publish"),
    Endpoint("PATCH", "/whip/{stream}/{session}", signalling.add_candidates, (204, "", None),
             (signalling.FRAGMENT, str), errors=_SESSION_ERRORS, action="publish"),
    Endpoint("DELETE", "/whip/{stream}/{session}", signalling.end, (200, "", None), errors=(404,),
             action="publish"),
    Endpoint("OPTIONS", "/whip/{stream}/{session}", signalling.session_options, (200, "", None),
             action="publish"),
    Endpoint("POST", "/whep/{stream}", signalling.watch, (201, SDP, str), (SDP, str),
             errors=(400, 404, 413, 415, 503), query=(_RENDITION, *_FILTER), action="view"),
    Endpoint("OPTIONS", "/whep/{stream}", signalling.options, (200, "", None), action="view"),
    Endpoint("PATCH", "/whep/{stream}/{session}", signalling.add_candidates, (204, "", None),
             (signalling.FRAGMENT, str), errors=_SESSION_ERRORS, action="view"),
    Endpoint("DELETE", "/whep/{stream}/{session}", signalling.end, (200, "", None), errors=(404,),
             action="view"),
    Endpoint("OPTIONS", "/whep/{stream}/{session}", signalling.session_options, (200, "", None),
             action="view"),
    Endpoint("POST", "/whep/{stream}/{session}/rendition", signalling.show, (204, "", None),
             (JSON, signalling.Show), errors=(400, 404, 409, 413, 415), action="view"),
    Endpoint("POST", "/whep/{stream}/{session}/report", viewers.report, (204, "", None),
             (JSON, ViewerReport), errors=(400, 404, 413, 415), action="view"),
    Endpoint("GET", "/", pages.page, hidden=True, action=None),
    Endpoint("GET", "/{path:path}", pages.page, hidden=True, action=None),
)  # fmt: skip

SOCKETS: tuple[Socket, ...] = (
    Socket("/api/streams/{stream}/results/ws", events.results_socket, "view"),
)
