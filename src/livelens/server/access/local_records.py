"""Records of one server: sessions in memory, tokens in a file that outlives it."""

import asyncio
from pathlib import Path

import msgspec

from livelens.errors import CapacityError, ConfigError
from livelens.server.access import kept
from livelens.server.access.records import SessionRecord, TokenRecord, unix_s, unknown_token
from livelens.server.access.tokens import Token
from livelens.server.threads import in_thread

_MOST_SESSIONS = 1000
_MOST_TOKENS = 10_000


class LocalRecords:
    """Sessions in memory; tokens in a file, which `livelens access` writes too.

    Args:
        file: holds the tokens; read by `load` and `refresh`, before which there are none.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file or kept.folder() / "tokens.json"
        self._sessions: dict[str, SessionRecord] = {}
        self._tokens: dict[str, TokenRecord] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._turn = asyncio.Lock()

    def load(self) -> None:
        """Read the file; not for the event loop. Raises ConfigError."""
        self._tokens = self._read_if_new() or {}

    async def put_session(self, record: SessionRecord) -> None:
        """Record a session; where there are too many, the oldest ends."""
        self._sweep()
        self._sessions[record.id] = record
        while len(self._sessions) > _MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]

    async def session(self, session: str) -> SessionRecord | None:
        """The session of that id, unless it has ended."""
        record = self._sessions.get(session)
        return record if record is not None and record.expires_unix_s > unix_s() else None

    async def sessions(self) -> list[SessionRecord]:
        """All sessions, the newest first."""
        self._sweep()
        return list(self._sessions.values())[::-1]

    async def end_session(self, session: str) -> bool:
        """End a session; whether there was one."""
        return self._sessions.pop(session, None) is not None

    async def put_token(self, token: Token) -> None:
        """Record a token that has been made."""
        await self._change(TokenRecord(token))

    async def tokens(self) -> list[TokenRecord]:
        """All recorded tokens, the newest first."""
        await self.refresh()
        return sorted(self._alive().values(), key=lambda each: -each.token.created_unix_s)

    async def revoke(self, token: str) -> None:
        """Revoke a token, also one that is not recorded."""
        await self.refresh()
        known = self._tokens.get(token)
        await self._change(TokenRecord(known.token if known else unknown_token(token), True))

    async def revoked(self, token: str) -> bool:
        """Whether the token was revoked."""
        record = self._tokens.get(token)
        return record is not None and record.revoked

    async def refresh(self) -> None:
        """Read the file, if somebody has written it."""
        async with self._turn:
            found = await in_thread(self._read_if_new)
            if found is not None:
                self._tokens = found

    async def close(self) -> None:
        """Nothing is held."""

    async def _change(self, record: TokenRecord) -> None:
        async with self._turn:
            self._tokens = await in_thread(self._written, record)

    def _written(self, record: TokenRecord) -> dict[str, TokenRecord]:
        """Write the record to the file, and return all that are there now."""
        with kept.locked(self.file):
            tokens = {key: each for key, each in self._read().items() if not _over(each)}
            tokens[record.token.id] = record
            if len(tokens) > _MOST_TOKENS:
                raise CapacityError(f"there are {_MOST_TOKENS} tokens already", retry_after_s=3600)
            data = msgspec.json.encode(list(tokens.values()))
            kept.replace(self.file, msgspec.json.format(data, indent=1).decode() + "\n")
            self._stamp = self._stamped()
        return tokens

    def _read_if_new(self) -> dict[str, TokenRecord] | None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return None
        found = self._read()
        self._stamp = stamp
        return found

    def _read(self) -> dict[str, TokenRecord]:
        text = kept.read_text(self.file)
        try:
            records = msgspec.json.decode(text, type=list[TokenRecord]) if text else []
        except (msgspec.DecodeError, ValueError) as error:
            # Not forgotten: what was revoked would be valid again.
            raise ConfigError(f"{self.file} is damaged: {error}") from None
        return {record.token.id: record for record in records}

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            status = self.file.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _alive(self) -> dict[str, TokenRecord]:
        return {key: each for key, each in self._tokens.items() if not _over(each)}

    def _sweep(self) -> None:
        now_s = unix_s()
        for key in [k for k, each in self._sessions.items() if each.expires_unix_s <= now_s]:
            del self._sessions[key]


def _over(record: TokenRecord) -> bool:
    return record.token.expires_unix_s <= unix_s()
