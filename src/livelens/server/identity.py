"""Who asks, and what he may do to which streams."""

import fnmatch
import re
from dataclasses import dataclass
from typing import Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from livelens.clock import wall_ns
from livelens.errors import Forbidden, LivelensError

Action = Literal["view", "publish", "control"]
Kind = Literal["password", "token", "share", "local"]
Way = Literal["header", "query", "cookie", "local", "nothing"]
# Why what was shown does not count: it is nothing that this server signed, its time is over,
# somebody revoked it, or its session is not kept any more.
Fault = Literal["", "invalid", "expired", "revoked", "ended"]

ALL = "*"
_KEY = "livelens.shown"
# Ids of streams, with wildcards. No brackets: `[` never stands in an id.
_PATTERN = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9_.*?-]{0,63}")
_FAULTS: dict[Fault, str] = {
    "": "sign in on the page, or show a token; `livelens access token` makes one",
    "invalid": "the token is not one of this server's",
    "expired": "what was shown has expired: sign in anew, or ask for a new link",
    "revoked": "the token was revoked",
    "ended": "the session has ended: sign in anew",
}


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Actions that are allowed on streams.

    Attributes:
        stream: an id, or a pattern in which `*` and `?` stand for any characters; `*` is all.
        actions: `view`, `publish` to it, `control` (which includes `view`).
    """

    stream: str
    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(self.stream):
            raise ValueError(f"{self.stream!r} is no id of a stream, nor a pattern as 'street*'")
        if not self.actions:
            raise ValueError("name at least one action: view, publish, control")

    def allows(self, action: Action, stream: str | None) -> bool:
        """Whether it allows this on the stream; None is any stream, `ALL` every one."""
        if action not in self.actions and not (action == "view" and "control" in self.actions):
            return False
        if stream is None:
            return True
        if stream == ALL:
            return not self.stream.strip("*")
        return fnmatch.fnmatchcase(stream, self.stream)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who may do something.

    Attributes:
        name: for people who read logs and lists.
        kind: how he showed who he is; `local` is whoever asks from this machine, if trusted.
        admin: may do everything.
        grants: what he may do otherwise.
        expires_ns: Unix time at which this ends; None never does.
        credential: id of the session or token that was shown; "" where there is none.
    """

    name: str
    kind: Kind
    admin: bool = False
    grants: tuple[Grant, ...] = ()
    expires_ns: int | None = None
    credential: str = ""

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_ns is not None and wall_ns() >= self.expires_ns

    def may(self, action: Action, stream: str | None) -> bool:
        """Whether he may do this to the stream; None asks for any stream, `ALL` for every one."""
        return self.admin or any(grant.allows(action, stream) for grant in self.grants)

    def require(self, action: Action, stream: str | None) -> None:
        """Raises Forbidden unless he may do this to the stream."""
        if not self.may(action, stream):
            where = "every stream" if stream == ALL else f"stream {stream!r}"
            where = "any stream" if stream is None else where
            raise Forbidden(f"this wants the right to {action} {where}, which {self._own} lacks")

    def require_admin(self) -> None:
        """Raises Forbidden unless he is the administrator."""
        if not self.admin:
            raise Forbidden(f"only the administrator may do this, and {self._own} is not his")

    @property
    def _own(self) -> str:
        return "this link" if self.kind == "share" else "this token"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request or WebSocket showed.

    Attributes:
        identity: who asks; None if that is not known.
        way: where he showed it. Browsers send cookies unasked, all else on purpose.
        fault: why what he showed does not count.
        error: why that cannot be told at present.
    """

    identity: Identity | None = None
    way: Way = "nothing"
    fault: Fault = ""
    error: LivelensError | None = None

    def put(self, connection: HTTPConnection) -> None:
        """Keep it with the connection for those who answer."""
        connection.scope[_KEY] = self


def shown_by(connection: HTTPConnection) -> Shown:
    """What the request or WebSocket showed."""
    shown: Shown = connection.scope.get(_KEY) or Shown()
    return shown


def who(connection: HTTPConnection) -> Identity:
    """Who asks.

    Raises:
        HTTPException: 401, he did not show who he is.
        Unavailable: that cannot be told at present.
    """
    shown = shown_by(connection)
    if shown.error is not None:
        raise shown.error
    if shown.identity is None:
        raise HTTPException(401, _FAULTS[shown.fault], {"WWW-Authenticate": "Bearer"})
    return shown.identity
