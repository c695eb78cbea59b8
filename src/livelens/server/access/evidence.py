"""What a request shows: tokens, cookies, and whether it comes from this machine."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from livelens.server.access.records import unix_s
from livelens.server.config import Listening
from livelens.server.limits import among, client_of

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# A proxy tells with these that somebody else asks.
_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"})
_FIELDS = 50
# So much longer do browsers keep a cookie than it counts: to be told that it has expired.
_AFTERWARDS_S = 86_400


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was shown, not judged yet.

    Attributes:
        bearer: the token in the header `Authorization`.
        query: the token in the URL.
        session, link: cookies of somebody who logged in, and of who followed a link.
    """

    bearer: str | None
    query: str | None
    session: str | None
    link: str | None


def evidence_of(connection: HTTPConnection, mark: str, listening: Listening) -> Evidence:
    """What a request or WebSocket shows."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    cookies = connection.cookies
    return Evidence(
        bearer=token.strip() if scheme.lower() == "bearer" else None,
        query=in_query(connection.scope, "token"),
        session=cookies.get(cookie_name(connection.scope, "session", mark, listening)),
        link=cookies.get(cookie_name(connection.scope, "link", mark, listening)),
    )


def in_query(scope: Scope, name: str) -> str | None:
    """The first value of that name in the URL's query."""
    query = scope.get("query_string", b"").decode("latin-1")
    try:
        values = parse_qs(query, max_num_fields=_FIELDS).get(name)
    except ValueError:
        return None
    return values[0] if values else None


def cookie_name(scope: Scope, what: str, mark: str, listening: Listening) -> str:
    """Under what name a cookie is set for this request, and expected."""
    # Browsers take a cookie with this prefix from the host itself only, and encrypted.
    prefix = "__Host-" if is_encrypted(scope, listening) else ""
    return f"{prefix}livelens_{what}_{mark}"


def set_cookie(
    response: Response,
    scope: Scope,
    listening: Listening,
    *,
    name: str,
    value: str,
    expires_unix_s: int,
) -> None:
    """Give a cookie; an empty value takes it away.

    Strict is enough for links from other sites: the page itself is open to everybody, and
    what it asks for then is asked for by this site.
    """
    lasting_s = max(0, expires_unix_s - unix_s()) + _AFTERWARDS_S if value else 0
    response.set_cookie(
        name,
        value,
        max_age=lasting_s,
        path="/",
        secure=is_encrypted(scope, listening),
        httponly=True,
        samesite="strict",
    )


def is_encrypted(scope: Scope, listening: Listening) -> bool:
    """Whether the client speaks TLS, with us or with one of our proxies."""
    if scope.get("scheme") in ("https", "wss"):
        return True
    client = scope.get("client")
    if not client or not among(str(client[0]), listening.networks):
        return False
    told = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
    return bool(told) and told[-1].rpartition(b",")[2].strip().lower() in (b"https", b"wss")


def is_local(scope: Scope, listening: Listening) -> bool:
    """Whether this machine itself asks, under a name of its own, and no proxy for others."""
    if any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    return is_loopback(client_of(scope, ())) and has_own_name(scope, listening)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def has_own_name(scope: Scope, listening: Listening) -> bool:
    """Whether the server is asked for under a name of this machine, or of `server.hosts`.

    Another site's page may reach it under a name of its own that leads here: DNS rebinding.
    An address is nobody's name.
    """
    name = asked_name(scope) or ""
    return is_loopback(name) or name in {host.lower() for host in listening.hosts}


def asked_name(scope: Scope) -> str | None:
    """The host that the client asks for; None if it names none."""
    told = next((value for name, value in scope["headers"] if name == b"host"), b"")
    try:
        return urlsplit(f"//{told.decode('latin-1')}").hostname
    except ValueError:
        return None
