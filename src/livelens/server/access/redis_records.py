"""Records that several servers share, in Redis. Its keys expire with what they tell of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog

from livelens.errors import ConfigError, Unavailable
from livelens.server.access.records import SessionRecord, TokenRecord, unix_s, unknown_token
from livelens.server.access.tokens import Token

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

Record = TypeVar("Record", SessionRecord, TokenRecord)

_PATIENCE_S = 1.0
_START_PATIENCE_S = 5.0
_SESSION, _TOKEN, _REVOKED = "livelens:session:", "livelens:token:", "livelens:revoked:"


class RedisRecords:
    """Sessions and tokens in Redis. For one event loop.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it.

    Raises:
        ConfigError: redis-py is not installed, or the URL is none of Redis.
    """

    def __init__(self, url: str) -> None:
        self.where = where_is(url)
        self._redis = _client(url, self.where)
        self._away = False

    async def put_session(self, record: SessionRecord) -> None:
        """Record a session."""
        await self._set(_SESSION + record.id, record, record.expires_unix_s)

    async def session(self, session: str) -> SessionRecord | None:
        """The session of that id, unless it has ended."""
        async with self._asking():
            data = await self._redis.get(_SESSION + session)
        return _decoded(data, SessionRecord)

    async def sessions(self) -> list[SessionRecord]:
        """All sessions, the newest first."""
        found = await self._all(_SESSION, SessionRecord)
        return sorted(found, key=lambda each: -each.created_unix_s)

    async def end_session(self, session: str) -> bool:
        """End a session; whether there was one."""
        async with self._asking():
            return bool(await self._redis.delete(_SESSION + session))

    async def put_token(self, token: Token) -> None:
        """Record a token that has been made."""
        await self._set(_TOKEN + token.id, TokenRecord(token), token.expires_unix_s)

    async def tokens(self) -> list[TokenRecord]:
        """All recorded tokens, the newest first."""
        found = await self._all(_TOKEN, TokenRecord)
        return sorted(found, key=lambda each: -each.token.created_unix_s)

    async def revoke(self, token: str) -> None:
        """Revoke a token, also one that is not recorded."""
        async with self._asking():
            known = _decoded(await self._redis.get(_TOKEN + token), TokenRecord)
        revoked = known.token if known is not None else unknown_token(token)
        # First what counts.
        await self._set(_REVOKED + token, True, revoked.expires_unix_s)
        await self._set(_TOKEN + token, TokenRecord(revoked, True), revoked.expires_unix_s)

    async def revoked(self, token: str) -> bool:
        """Whether the token was revoked."""
        async with self._asking():
            return bool(await self._redis.exists(_REVOKED + token))

    async def refresh(self) -> None:
        """Nothing: every question is asked anew."""

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _set(self, key: str, value: object, expires_unix_s: int) -> None:
        async with self._asking():
            lasting_s = max(1, expires_unix_s - unix_s())
            await self._redis.set(key, msgspec.json.encode(value), ex=lasting_s)

    async def _all(self, prefix: str, kind: type[Record]) -> list[Record]:
        async with self._asking():
            keys = [key async for key in self._redis.scan_iter(match=f"{prefix}*", count=500)]
            values = await self._redis.mget(keys) if keys else []
        found = (_decoded(value, kind) for value in values)
        return [each for each in found if each is not None]

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        from redis.exceptions import RedisError

        try:
            yield
            self._tell(away=False)
        except (RedisError, OSError) as error:
            self._tell(away=True, why=" ".join(str(error).split()))
            raise Unavailable(
                f"Redis at {self.where} does not answer, which knows who is signed in"
            ) from error

    def _tell(self, *, away: bool, **facts: str) -> None:
        """Log that it went away or came back: once, whoever asks meanwhile."""
        if away != self._away:
            self._away = away
            tell = log.warning if away else log.info
            tell("redis is away" if away else "redis is back", where=self.where, **facts)


def check_reachable(url: str) -> None:
    """Ask Redis once, before a server starts that needs it.

    Raises:
        ConfigError: it does not answer, or does not let us in.
    """
    where = where_is(url)
    _client(url, where)
    from redis import Redis
    from redis.exceptions import RedisError

    redis: Any = None
    try:
        redis = Redis.from_url(
            url, socket_connect_timeout=_START_PATIENCE_S, socket_timeout=_START_PATIENCE_S
        )
        redis.ping()
    except (RedisError, OSError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise ConfigError(f"Redis at {where} does not answer: {why} - at $.access.redis_url") from (
            None
        )
    finally:
        if redis is not None:
            redis.close()


def where_is(url: str) -> str:
    """The place in a URL, without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}" if parts.netloc else parts.path


def _client(url: str, where: str) -> "Redis":
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise ConfigError(
            "access.redis_url needs another package: pip install 'livelens[redis]'"
        ) from None
    try:
        return Redis.from_url(
            url,
            socket_connect_timeout=_PATIENCE_S,
            socket_timeout=_PATIENCE_S,
            # Once more: after a restart of Redis the connections of before are dead.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise ConfigError(f"no URL of Redis: {error} - at $.access.redis_url") from None


def _decoded(data: bytes | str | None, kind: type[Record]) -> Record | None:
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError):
        return None
