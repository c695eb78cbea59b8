"""What is recorded of sessions and tokens, and where."""

from typing import Protocol

import msgspec

from livelens.clock import NS_PER_S, wall_ns
from livelens.server.access.tokens import DAY_S, MOST_TOKEN_S, Token


class SessionRecord(msgspec.Struct, frozen=True):
    """Somebody who logged in as the administrator. Times are Unix seconds.

    Attributes:
        id: in his cookie.
        address: from which he logged in.
        agent: what his browser calls itself.
    """

    id: str
    created_unix_s: int
    expires_unix_s: int
    address: str = ""
    agent: str = ""


class TokenRecord(msgspec.Struct, frozen=True):
    """A token that was made here, or that was revoked."""

    token: Token
    revoked: bool = False


class Records(Protocol):
    """Where sessions and tokens are recorded. What has expired is not told any more.

    All raise Unavailable while that place does not answer.
    """

    async def put_session(self, record: SessionRecord) -> None:
        """Record a session."""

    async def session(self, session: str) -> SessionRecord | None:
        """The session of that id, unless it has ended."""

    async def sessions(self) -> list[SessionRecord]:
        """All sessions, the newest first."""

    async def end_session(self, session: str) -> bool:
        """End a session; whether there was one."""

    async def put_token(self, token: Token) -> None:
        """Record a token that has been made."""

    async def tokens(self) -> list[TokenRecord]:
        """All recorded tokens, the newest first."""

    async def revoke(self, token: str) -> None:
        """Revoke a token, also one that is not recorded."""

    async def revoked(self, token: str) -> bool:
        """Whether the token was revoked."""

    async def refresh(self) -> None:
        """Learn what others have written, where that does not happen by itself."""

    async def close(self) -> None:
        """Give back what is held."""


def unix_s() -> int:
    """The time of day, in whole seconds."""
    return wall_ns() // NS_PER_S


def unknown_token(token: str) -> Token:
    """What is recorded of a revoked token that nobody recorded: it may last as long as any."""
    # A day more than that: the clock of who made it may be ahead.
    return Token(token, "", "token", (), unix_s(), unix_s() + MOST_TOKEN_S + DAY_S)
