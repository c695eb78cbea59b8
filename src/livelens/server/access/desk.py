"""The desk that everybody passes: knows who asks, lets log in, makes tokens."""

import asyncio
import hmac
import secrets
from collections import OrderedDict

import structlog
from starlette.requests import HTTPConnection

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import CapacityError, ConfigError, LivelensError, Unavailable
from livelens.server.access import kept
from livelens.server.access.attempts import Attempts
from livelens.server.access.evidence import Evidence, evidence_of, is_local
from livelens.server.access.local_records import LocalRecords
from livelens.server.access.password import MOST_PASSWORD, Password
from livelens.server.access.records import Records, SessionRecord, unix_s
from livelens.server.access.redis_records import RedisRecords, check_reachable
from livelens.server.access.settings import AccessSettings
from livelens.server.access.tokens import BadToken, Signer, Token
from livelens.server.config import Listening, ServerConfig
from livelens.server.identity import Fault, Identity, Shown, Way
from livelens.server.threads import in_thread

log = structlog.get_logger(__name__)

CODE_S = 600
_MOST_CODES = 16
_MOST_WAITING = 4
_AGENT_LENGTH = 200
_ADMIN = "administrator"


class TooManyAttempts(LivelensError):
    """Passwords were tried too often. `wait_s` says when to try again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many attempts: try again in {max(1, round(wait_s))} s")
        self.wait_s = wait_s


class Access:
    """Who may use one server. Everything on its event loop.

    Args:
        secret: signs.
        records: of sessions and tokens.
    """

    def __init__(
        self,
        settings: AccessSettings,
        listening: Listening,
        *,
        secret: str,
        password: Password,
        records: Records,
    ) -> None:
        self.settings = settings
        self.listening = listening
        self.signer = Signer(secret)
        self.password = password
        self.records = records
        self.attempts = Attempts(settings.max_failures, settings.lockout_s)
        self._hashing = asyncio.Lock()
        self._waiting = 0
        self._codes: OrderedDict[str, int] = OrderedDict()
        self._changed_ns = password.changed_ns()

    @classmethod
    def of(cls, config: ServerConfig) -> "Access":
        """The desk of a server; what it keeps is read, and made where there is none.

        Raises:
            ConfigError: that cannot be done.
        """
        settings = config.access
        password = Password(settings.password)
        secret = settings.secret if settings.secret is not None else kept.secret()
        records: Records
        if settings.redis_url is not None:
            records = RedisRecords(settings.redis_url)
        else:
            records = LocalRecords()
            records.load()
        return cls(settings, config.server, secret=secret, password=password, records=records)

    async def look_at(self, connection: HTTPConnection) -> Shown:
        """Who asks. Never raises: where that cannot be told, it says so."""
        try:
            return await self._shown(connection)
        except Unavailable as error:
            return Shown(error=error)

    async def valid(self, identity: Identity) -> bool:
        """Whether somebody who was let in still would be. Raises Unavailable."""
        if identity.expired:
            return False
        if not identity.credential:
            return True
        if identity.kind == "password":
            return await self.records.session(identity.credential) is not None
        return not await self.records.revoked(identity.credential)

    async def log_in(self, password: str, address: str, agent: str) -> SessionRecord | None:
        """Begin a session of who knows the password; None if he does not.

        Raises:
            TooManyAttempts: it was tried too often.
            CapacityError: several passwords are being looked at already.
            ConfigError: the password is too long to be one.
        """
        if not await self.knows(password, address):
            return None
        return await self.begin(address, agent)

    async def knows(self, password: str, address: str) -> bool:
        """Whether it is the password. Raises as `log_in` does."""
        if len(password) > MOST_PASSWORD:
            raise ConfigError(f"a password has {MOST_PASSWORD} characters at most - at $.password")
        if self._waiting >= _MOST_WAITING:
            raise CapacityError("several people log in at this moment", retry_after_s=2)
        wait_s = self.attempts.begin(address)
        if wait_s > 0:
            raise TooManyAttempts(wait_s)
        self._waiting += 1
        try:
            async with self._hashing:  # one core at most, whatever comes
                right = await in_thread(self.password.matches, password)
        except BaseException:
            self.attempts.withdrawn(address)
            raise
        finally:
            self._waiting -= 1
        if right:
            self.attempts.succeeded(address)
        else:
            log.warning("wrong password", address=address)
        return right

    async def begin(self, address: str, agent: str) -> SessionRecord:
        """Begin a session of the administrator. Raises Unavailable."""
        now_s = unix_s()
        record = SessionRecord(
            id=secrets.token_urlsafe(18),
            created_unix_s=now_s,
            expires_unix_s=now_s + round(self.settings.session_s),
            address=address,
            agent="".join(c for c in agent[:_AGENT_LENGTH] if c.isprintable()),
        )
        await self.records.put_session(record)
        return record

    async def change_password(self, new: str, keep: str) -> None:
        """Change the password, and end all sessions but one.

        Raises:
            ConfigError: it is too short, or cannot be kept.
            Conflict: the configuration says which it is.
            Unavailable: sessions cannot be ended at present; the password is changed.
        """
        async with self._hashing:
            await in_thread(self.password.change, new)
            self._changed_ns = await in_thread(self.password.changed_ns)
        await self.end_sessions(keep)

    async def end_sessions(self, keep: str = "") -> None:
        """End all sessions but one. Raises Unavailable."""
        for record in await self.records.sessions():
            if record.id != keep:
                await self.records.end_session(record.id)

    def code(self) -> str:
        """A code with which somebody may sign in once, soon."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = now_ns() + CODE_S * NS_PER_S
        while len(self._codes) > _MOST_CODES:
            self._codes.popitem(last=False)
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code was made here and is used for the first time, in time."""
        known = next((each for each in self._codes if _same(each, code)), None)
        return known is not None and now_ns() < self._codes.pop(known)

    async def make_token(self, token: Token) -> str:
        """Record a token, and return it as text. Raises Unavailable, CapacityError."""
        await self.records.put_token(token)
        return self.signer.token(token)

    async def refresh(self) -> None:
        """Learn of tokens revoked and of a password changed by somebody else.

        Raises:
            LivelensError: what is kept cannot be read.
        """
        await self.records.refresh()
        changed_ns = await in_thread(self.password.changed_ns)
        if changed_ns != self._changed_ns:
            self._changed_ns = changed_ns
            log.info("the password was changed; sessions end")
            await self.end_sessions()

    async def _shown(self, connection: HTTPConnection) -> Shown:
        evidence = evidence_of(connection, self.signer.mark, self.listening)
        if evidence.bearer is not None:
            return await self._by_token(evidence.bearer, "header")
        if evidence.query is not None:
            return await self._by_token(evidence.query, "query")
        by_session = await self._by_session(evidence)
        if by_session.identity is not None:
            return by_session
        if self.settings.trust_loopback and is_local(connection.scope, self.listening):
            return Shown(Identity("this machine", "local", admin=True), "local")
        if evidence.link is not None:
            return await self._by_token(evidence.link, "cookie")
        return by_session

    async def _by_session(self, evidence: Evidence) -> Shown:
        if evidence.session is None:
            return Shown()
        try:
            session = self.signer.read_session(evidence.session)
        except BadToken as bad:
            fault: Fault = "expired" if bad.fault == "expired" else "ended"
            return Shown(way="cookie", fault=fault)
        record = await self.records.session(session)
        if record is None:
            return Shown(way="cookie", fault="ended")
        expires_ns = record.expires_unix_s * NS_PER_S
        identity = Identity(_ADMIN, "password", True, (), expires_ns, record.id)
        return Shown(identity, "cookie")

    async def _by_token(self, text: str, way: Way) -> Shown:
        permanent = self.listening.token
        if permanent is not None and way != "cookie" and _same(text, permanent):
            return Shown(Identity("server.token", "token", admin=True), way)
        try:
            token = self.signer.read_token(text)
        except BadToken as bad:
            return Shown(way=way, fault=bad.fault)
        if await self.records.revoked(token.id):
            return Shown(way=way, fault="revoked")
        expires_ns = token.expires_unix_s * NS_PER_S
        name = token.name or ("link" if token.kind == "share" else "token")
        return Shown(Identity(name, token.kind, False, token.grants, expires_ns, token.id), way)


def prepare(config: ServerConfig) -> tuple[Access, str | None]:
    """The desk of a server that is about to start, and the password if it was just made.

    Raises:
        ConfigError: what it keeps cannot be read or written, or Redis does not answer.
    """
    if config.access.redis_url is not None:
        check_reachable(config.access.redis_url)
    made = Password(config.access.password).ensure()
    return Access.of(config), made


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
