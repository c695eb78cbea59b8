"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03): SDP offers in, answers out.

Trickle ICE is supported; ICE restart is not, and answered with 422 as they ask for.
"""

from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens.errors import BadSdp, ConfigError
from livelens.media.rtc_config import IceServer, RtcConfig
from livelens.media.sdp import MAX_SDP_BYTES
from livelens.server.answers import json_body, media_type
from livelens.server.filters import filter_of
from livelens.server.identity import who
from livelens.server.limits import client_of
from livelens.server.sessions import Kind, Session
from livelens.server.state import state_of

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


async def publish(request: Request) -> Response:
    """Publish a camera to a stream, which is made from the preset if there is none."""
    offer = await _text(request, SDP)
    state = state_of(request)
    session = await state.sessions.publish(
        request.path_params["stream"],
        request.query_params.get("preset"),
        offer,
        address=_address(request),
    )
    _lasts_as_long_as_the_right(request, session)
    return _created(session, state.config.webrtc)


async def watch(request: Request) -> Response:
    """Watch a rendition of a stream."""
    offer = await _text(request, SDP)
    state = state_of(request)
    stream_id = request.path_params["stream"]
    chosen = filter_of(request, state.engine.get(stream_id).spec)
    session = await state.sessions.watch(
        stream_id,
        request.query_params.get("rendition"),
        offer,
        chosen,
        address=_address(request),
    )
    _lasts_as_long_as_the_right(request, session)
    return _created(session, state.config.webrtc)


async def add_candidates(request: Request) -> Response:
    """Take candidates found after the offer."""
    session = _session(request)
    fragment = await _text(request, FRAGMENT)
    wanted = request.headers.get("if-match")
    if wanted is not None and wanted.strip() == "*":
        raise HTTPException(422, "ICE restart is not supported; make a new session")
    if wanted is not None and session.etag not in [tag.strip() for tag in wanted.split(",")]:
        raise HTTPException(412, "If-Match names another ICE session")
    await session.peer.add_candidates(fragment)
    return Response(status_code=204, headers={"ETag": session.etag})


class Show(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to watch from now on: the name of a whep sink of the same stream."""

    rendition: str


async def show(request: Request) -> Response:
    """Show another rendition over the same connection."""
    session = _session(request)
    asked = await json_body(request)
    try:
        wanted = msgspec.convert(asked, Show)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from None
    state_of(request).sessions.show(session, wanted.rendition)
    return Response(status_code=204)


async def end(request: Request) -> Response:
    """End a session."""
    await state_of(request).sessions.end(_session(request))
    return Response(status_code=200)


async def options(request: Request) -> Response:
    """Say what may be posted; preflight requests are answered before they come here."""
    headers = {"Accept-Post": SDP, "Allow": "OPTIONS, POST"}
    links = ice_links(state_of(request).config.webrtc.ice_servers)
    return _with_links(Response(status_code=200, headers=headers), links)


async def session_options(request: Request) -> Response:
    """Say what may be done with a session."""
    _session(request)
    headers = {"Accept-Patch": FRAGMENT, "Allow": "OPTIONS, PATCH, DELETE"}
    return Response(status_code=200, headers=headers)


def ice_links(servers: list[IceServer]) -> list[str]:
    """`Link` header values that tell a client its STUN and TURN servers (RFC 9725, 4.6)."""
    links = []
    for server in servers:
        for url in server.urls:
            link = f'<{url}>; rel="ice-server"'
            if server.username is not None and server.credential is not None:
                link += (
                    f'; username="{_quoted(server.username)}"'
                    f'; credential="{_quoted(server.credential)}"; credential-type="password"'
                )
            links.append(link)
    return links


def _lasts_as_long_as_the_right(request: Request, session: Session) -> None:
    state = state_of(request)
    state.sessions.lend(session, state.leases, who(request))


def _created(session: Session, rtc: RtcConfig) -> Response:
    headers = {
        "Location": quote(session.path),
        "ETag": session.etag,
        "Accept-Patch": FRAGMENT,
    }
    response = Response(session.peer.answer_sdp, 201, headers=headers, media_type=SDP)
    return _with_links(response, ice_links(rtc.ice_servers))


def _with_links(response: Response, links: list[str]) -> Response:
    for link in links:
        response.headers.append("Link", link)
    return response


def _address(request: Request) -> str:
    return client_of(request.scope, state_of(request).config.server.networks)


def _session(request: Request) -> Session:
    kind: Kind = "whip" if request.url.path.startswith("/whip/") else "whep"
    parameters = request.path_params
    return state_of(request).sessions.get(kind, parameters["stream"], parameters["session"])


async def _text(request: Request, wanted: str) -> str:
    if media_type(request) != wanted:
        raise HTTPException(415, f"expected Content-Type: {wanted}")
    body = await request.body()
    if len(body) > MAX_SDP_BYTES:
        raise HTTPException(413, f"the body is larger than {MAX_SDP_BYTES} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadSdp("the body is not UTF-8 text") from None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
