"""Tokens, links and cookies: signed, so that what they say is what a server of ours said."""

import hashlib
import hmac
import secrets
from typing import Any, Literal

import jwt
import msgspec

from livelens.clock import NS_PER_S, wall_ns
from livelens.errors import ConfigError
from livelens.server.identity import Action, Fault, Grant

TokenKind = Literal["token", "share"]
DAY_S = 86_400
MOST_TOKEN_S = 366 * DAY_S
MOST_GRANTS = 50
_LEAST_TOKEN_S = 10
_ALGORITHMS = ["HS256"]
# A token is one without saying so.
_HEADERS = {"typ": None}
_LETTERS: dict[str, Action] = {"v": "view", "p": "publish", "c": "control"}
_MOST_CHARACTERS = 8192
_NAME_LENGTH = 64


class Token(msgspec.Struct, frozen=True):
    """What a token says. Times are Unix seconds.

    Attributes:
        id: by which it is revoked.
        name: for the list of tokens.
        kind: `share` is one that is part of a link for people.
    """

    id: str
    name: str
    kind: TokenKind
    grants: tuple[Grant, ...]
    created_unix_s: int
    expires_unix_s: int


class BadToken(Exception):
    """A token that does not count. `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class _Said(msgspec.Struct, frozen=True):
    """A token's claims, short: links are shown as QR codes.

    Attributes:
        g: grants, as `street*:v;yard:pc`; these characters stand in no pattern.
    """

    jti: str
    k: TokenKind
    g: str
    iat: int
    exp: int
    n: str = ""


def new_token(name: str, kind: TokenKind, grants: tuple[Grant, ...], expires_s: float) -> Token:
    """A token that ends in so many seconds.

    Raises:
        ConfigError: it grants nothing, lasts too long, or its name is too long.
    """
    if not 1 <= len(grants) <= MOST_GRANTS:
        raise ConfigError(f"a token grants 1 to {MOST_GRANTS} times something - at $.grants")
    if not _LEAST_TOKEN_S <= expires_s <= MOST_TOKEN_S:
        raise ConfigError(
            f"a token lasts {_LEAST_TOKEN_S} s to {MOST_TOKEN_S // DAY_S} days - at $.expires_s"
        )
    name = " ".join(name.split())
    if len(name) > _NAME_LENGTH or not name.isprintable():
        raise ConfigError(f"a name has {_NAME_LENGTH} printable characters at most - at $.name")
    now_s = wall_ns() // NS_PER_S
    return Token(secrets.token_hex(8), name, kind, grants, now_s, now_s + round(expires_s))


class Signer:
    """Signs and reads with one secret. Other algorithms than ours are never accepted."""

    def __init__(self, secret: str) -> None:
        # Each purpose has a key of its own: what was signed for one is nothing for the other.
        self._sessions = _derived(secret, "sessions")
        self._tokens = _derived(secret, "tokens")
        # Cookies know no ports: servers with the same secret share them, others do not clash.
        self.mark = _derived(secret, "cookies").hex()[:8]

    def token(self, token: Token) -> str:
        """The token as text."""
        said = {
            "jti": token.id,
            "k": token.kind,
            "g": _written(token.grants),
            "iat": token.created_unix_s,
            "exp": token.expires_unix_s,
        }
        if token.name:
            said["n"] = token.name
        return jwt.encode(said, self._tokens, algorithm=_ALGORITHMS[0], headers=_HEADERS)

    def read_token(self, text: str) -> Token:
        """The token in a text. Raises BadToken."""
        try:
            said = msgspec.convert(self._read(text, self._tokens), _Said)
            grants = _read_grants(said.g)
        except (msgspec.ValidationError, ValueError, KeyError):
            raise BadToken("invalid") from None
        return Token(said.jti, said.n, said.k, grants, said.iat, said.exp)

    def session(self, session: str, expires_unix_s: int) -> str:
        """The cookie of a session."""
        said = {"jti": session, "iat": wall_ns() // NS_PER_S, "exp": expires_unix_s}
        return jwt.encode(said, self._sessions, algorithm=_ALGORITHMS[0])

    def read_session(self, text: str) -> str:
        """The session's id in a cookie. Raises BadToken."""
        return str(self._read(text, self._sessions)["jti"])

    @staticmethod
    def _read(text: str, key: bytes) -> dict[str, Any]:
        if len(text) > _MOST_CHARACTERS:
            raise BadToken("invalid")
        try:
            return jwt.decode(
                text,
                key,
                algorithms=_ALGORITHMS,
                options={"require": ["exp", "iat", "jti"]},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("expired") from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise BadToken("invalid") from None


def _written(grants: tuple[Grant, ...]) -> str:
    return ";".join(
        f"{each.stream}:{''.join(sorted({action[0] for action in each.actions}))}"
        for each in grants
    )


def _read_grants(text: str) -> tuple[Grant, ...]:
    """Raises ValueError, KeyError."""
    grants = []
    for part in text.split(";"):
        stream, _, letters = part.partition(":")
        grants.append(Grant(stream, tuple(_LETTERS[each] for each in letters)))
    return tuple(grants)


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"livelens {purpose}".encode(), hashlib.sha256).digest()
