"""Links that let a person in: `?token=` of a shared link, `?login=` of the terminal."""

from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from livelens.clock import NS_PER_S
from livelens.errors import Unavailable
from livelens.server.access.desk import Access
from livelens.server.access.evidence import cookie_name, in_query, set_cookie
from livelens.server.access.records import SessionRecord
from livelens.server.identity import shown_by
from livelens.server.limits import client_of

# Says in the page's address why a link did not let in.
WHY = "access"


async def entered(request: Request, access: Access) -> Response | None:
    """Let in who opens the page with a link; None where the address holds none.

    What was shown goes into a cookie, and the browser on to the address without it, so that
    it stays in no history and is passed on with no copied address.
    """
    token, code = in_query(request.scope, "token"), in_query(request.scope, "login")
    if (token is None and code is None) or request.method != "GET":
        return None
    if _guesses(request):
        # A page fetched in advance would be shown later without asking again.
        return PlainTextResponse("not in advance", 503, {"Cache-Control": "no-store"})
    if token is not None:
        return await _with_token(request, access, token)
    if code is None or not access.redeem(code):
        return _onward(request, "used")
    try:
        return await _signed_in(request, access)
    except Unavailable:
        return _onward(request, "unavailable")


def signed_in(
    response: Response, request: Request, access: Access, session: SessionRecord
) -> Response:
    """The response, with the cookie of a session that has just begun."""
    cookie = access.signer.session(session.id, session.expires_unix_s)
    _set(response, request, access, "session", cookie, session.expires_unix_s)
    return response


def signed_out(response: Response, request: Request, access: Access) -> Response:
    """The response, taking all our cookies away."""
    for what in ("session", "link"):
        _set(response, request, access, what, "", 0)
    return response


async def _with_token(request: Request, access: Access, text: str) -> Response:
    shown = shown_by(request)
    if shown.error is not None:
        return _onward(request, "unavailable")
    if shown.identity is None or shown.way != "query":
        return _onward(request, shown.fault or "invalid")
    try:
        if shown.identity.admin:  # `server.token`, which never ends, and is not to lie about
            return await _signed_in(request, access)
    except Unavailable:
        return _onward(request, "unavailable")
    # A cookie of its own: an administrator who follows a link stays one.
    response = _onward(request)
    expires_unix_s = (shown.identity.expires_ns or 0) // NS_PER_S
    _set(response, request, access, "link", text, expires_unix_s)
    return response


async def _signed_in(request: Request, access: Access) -> Response:
    address = client_of(request.scope, access.listening.networks)
    session = await access.begin(address, request.headers.get("user-agent", ""))
    return signed_in(_onward(request), request, access, session)


def _set(
    response: Response, request: Request, access: Access, what: str, value: str, expires: int
) -> None:
    name = cookie_name(request.scope, what, access.signer.mark, access.listening)
    set_cookie(
        response, request.scope, access.listening, name=name, value=value, expires_unix_s=expires
    )


def _onward(request: Request, why: str = "") -> Response:
    """To the same address without what was shown. Never to another server: `//` names one."""
    query = [
        (name, value)
        for name, value in parse_qsl(request.scope.get("query_string", b"").decode("latin-1"))
        if name not in ("token", "login", WHY)
    ]
    if why:
        query.append((WHY, why))
    name = request.url.path.rpartition("/")[2]
    # Relative, so that it also works below a path of a proxy; `./` is no server and no scheme.
    address = f"./{quote(name)}"
    if query:
        address += f"?{urlencode(query)}"
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, 303, headers)


def _guesses(request: Request) -> bool:
    """Whether the browser fetches the page before the person has asked for it."""
    purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return "prefetch" in purpose
