"""Signing in and out over HTTP, and who is signed in."""

from typing import Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.clock import NS_PER_S
from livelens.errors import NotFound
from livelens.server.access.desk import Access, TooManyAttempts
from livelens.server.access.entrance import signed_in, signed_out
from livelens.server.access.records import SessionRecord
from livelens.server.answers import json_body, json_response
from livelens.server.identity import Fault, Grant, Identity, shown_by, who
from livelens.server.limits import client_of
from livelens.server.state import state_of


class SessionInfo(msgspec.Struct, frozen=True):
    """Who asks.

    Attributes:
        signed_in: whether that is known.
        name: for people.
        kind: how he showed it: `password`, `token`, `share`, or `local` for whoever asks from
            this machine where that is trusted.
        admin: may do everything.
        grants: what he may do otherwise.
        expires_unix_s: when this ends; null never does.
        fault: why what he showed does not count: `expired`, `revoked`, `ended`, `invalid`.
        password_fixed: the password is in the configuration, and cannot be changed here.
    """

    signed_in: bool
    name: str = ""
    kind: Literal["password", "token", "share", "local", ""] = ""
    admin: bool = False
    grants: tuple[Grant, ...] = ()
    expires_unix_s: int | None = None
    fault: Fault = ""
    password_fixed: bool = False


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The administrator's password."""

    password: str


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password, and the one from now on."""

    password: str
    new: str


class SignedIn(msgspec.Struct, frozen=True):
    """A session of the administrator. Times are Unix seconds.

    Attributes:
        id: by which it is ended; not what its cookie holds.
        own: whether it is the one that asks.
        address, agent: from where he logged in, and what his browser calls itself.
    """

    id: str
    own: bool
    created_unix_s: int
    expires_unix_s: int
    address: str
    agent: str


class SessionList(msgspec.Struct, frozen=True):
    """All sessions of the administrator, the newest first."""

    sessions: list[SignedIn]


async def get_session(request: Request) -> Response:
    """Who asks, and what he may do; also for those who have not signed in."""
    shown = shown_by(request)
    if shown.error is not None:
        raise shown.error
    if shown.identity is None:
        return _told(SessionInfo(False, fault=shown.fault))
    return _told(_info(shown.identity, _access(request)))


async def log_in(request: Request) -> Response:
    """Sign in as the administrator; the answer sets the cookie."""
    access = _access(request)
    given = plugins.converted(await json_body(request), Login, "$")
    address = client_of(request.scope, access.listening.networks)
    try:
        session = await access.log_in(
            given.password, address, request.headers.get("user-agent", "")
        )
    except TooManyAttempts as error:
        raise _too_many(error) from None
    if session is None:
        raise HTTPException(401, "the password is wrong")
    before = shown_by(request).identity
    if before is not None and before.kind == "password":
        await access.records.end_session(before.credential)
    expires_ns = session.expires_unix_s * NS_PER_S
    identity = Identity("administrator", "password", True, (), expires_ns, session.id)
    return signed_in(_told(_info(identity, access)), request, access, session)


async def log_out(request: Request) -> Response:
    """Sign out: the session ends here, and the cookies go."""
    access = _access(request)
    shown = shown_by(request)
    if shown.error is not None:
        raise shown.error
    identity = shown.identity
    if identity is not None and identity.kind == "password":
        await access.records.end_session(identity.credential)
        await state_of(request).leases.look()
    return signed_out(Response(status_code=204), request, access)


async def change_password(request: Request) -> Response:
    """Change the administrator's password; all other sessions end."""
    access = _access(request)
    given = plugins.converted(await json_body(request), NewPassword, "$")
    address = client_of(request.scope, access.listening.networks)
    try:
        right = await access.knows(given.password, address)
    except TooManyAttempts as error:
        raise _too_many(error) from None
    if not right:
        # Not 401: he is signed in, and his page must not think that he is not.
        raise HTTPException(422, "the present password is wrong")
    await access.change_password(given.new, keep=who(request).credential)
    await state_of(request).leases.look()
    return Response(status_code=204)


async def list_sessions(request: Request) -> Response:
    """Who is signed in as the administrator."""
    own = who(request).credential
    records = await _access(request).records.sessions()
    return _told(SessionList([_signed_in(each, own) for each in records]))


async def end_session(request: Request) -> Response:
    """End a session of the administrator."""
    records = _access(request).records
    wanted = request.path_params["session"]
    found = next((each for each in await records.sessions() if _public(each.id) == wanted), None)
    if found is None:
        raise NotFound("there is no such session")
    await records.end_session(found.id)
    await state_of(request).leases.look()
    return Response(status_code=204)


def _info(identity: Identity, access: Access) -> SessionInfo:
    expires_ns = identity.expires_ns
    return SessionInfo(
        signed_in=True,
        name=identity.name,
        kind=identity.kind,
        admin=identity.admin,
        grants=identity.grants,
        expires_unix_s=expires_ns // NS_PER_S if expires_ns is not None else None,
        password_fixed=identity.admin and access.password.configured,
    )


def _signed_in(record: SessionRecord, own: str) -> SignedIn:
    return SignedIn(
        _public(record.id),
        record.id == own,
        record.created_unix_s,
        record.expires_unix_s,
        record.address,
        record.agent,
    )


def _public(session: str) -> str:
    """An id that tells nothing of what the cookie holds but which it is."""
    return session[:8]


def _too_many(error: TooManyAttempts) -> HTTPException:
    return HTTPException(429, str(error), {"Retry-After": str(max(1, round(error.wait_s)))})


def _access(request: Request) -> Access:
    return state_of(request).access


def _told(value: object) -> Response:
    return json_response(value, headers={"Cache-Control": "no-store"})
