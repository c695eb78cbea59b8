"""The administrator's password: made, compared, and kept as a hash."""

import hashlib
import hmac
import secrets
import unicodedata
from pathlib import Path

import msgspec

from livelens.clock import wall_ns
from livelens.errors import ConfigError, Conflict
from livelens.server.access import kept
from livelens.server.access.settings import LEAST_PASSWORD

MOST_PASSWORD = 1024
# 32 MiB and a third of a second on a slow core: dear for who guesses, bearable for who logs in.
_N, _R, _P = 2**15, 8, 3
_MOST_MEMORY = 2**27
# Without what looks alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class Hashed(msgspec.Struct, frozen=True):
    """The hash of a password, and how it was made.

    Attributes:
        changed_ns: Unix time since which it is this one.
    """

    salt: bytes
    scrypt: bytes
    changed_ns: int
    n: int = _N
    r: int = _R
    p: int = _P


def hashed(text: str) -> Hashed:
    """The hash of a password, with a new salt; takes about a third of a second."""
    salt = secrets.token_bytes(16)
    return Hashed(salt, _scrypt(text, salt, _N, _R, _P), wall_ns())


def matches(text: str, known: Hashed) -> bool:
    """Whether it is the password; takes as long whether it is or not."""
    found = _scrypt(text, known.salt, known.n, known.r, known.p)
    return hmac.compare_digest(found, known.scrypt)


def checked(text: str) -> str:
    """A password that may be taken. Raises ConfigError."""
    if not LEAST_PASSWORD <= len(text) <= MOST_PASSWORD:
        raise ConfigError(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters")
    return text


def made() -> str:
    """A new random one, easy to type: 79 bits."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


class Password:
    """The administrator's password: the configured one, or the one whose hash is kept.

    Its methods read files and hash: not for the event loop.

    Args:
        configured: what the configuration says; None for the one that is kept.
        file: holds the hash.
    """

    def __init__(self, configured: str | None = None, file: Path | None = None) -> None:
        self.file = file or kept.folder() / "password"
        self.configured = configured is not None
        self._configured = _digest(configured or "")

    def matches(self, text: str) -> bool:
        """Whether it is the password.

        Raises:
            ConfigError: the hash cannot be read.
        """
        if self.configured:
            return hmac.compare_digest(_digest(text), self._configured)
        known = self._read()
        return known is not None and matches(text, known)

    def changed_ns(self) -> int:
        """Unix time since which it is this one; 0 of a configured one.

        Raises:
            ConfigError: the hash cannot be read.
        """
        known = None if self.configured else self._read()
        return known.changed_ns if known is not None else 0

    def ensure(self) -> str | None:
        """Make one if there is none, and return it.

        Raises:
            ConfigError: the hash cannot be read or kept.
        """
        if self.configured:
            return None
        with kept.locked(self.file):
            if self._read() is not None:
                return None
            new = made()
            self._write(hashed(new))
            return new

    def change(self, text: str) -> None:
        """Make this the password.

        Raises:
            ConfigError: it is too short, or its hash cannot be kept.
            Conflict: the configuration says which it is.
        """
        if self.configured:
            raise Conflict(
                "the password is in the configuration (access.password or LIVELENS_PASSWORD):"
                " change it there"
            )
        known = hashed(checked(text))
        with kept.locked(self.file):
            self._write(known)

    def _read(self) -> Hashed | None:
        text = kept.read_text(self.file)
        if text is None:
            return None
        try:
            return msgspec.json.decode(text, type=Hashed)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"{self.file} is damaged ({error}); `livelens access password` makes a new one"
            ) from None

    def _write(self, known: Hashed) -> None:
        kept.replace(self.file, msgspec.json.encode(known).decode() + "\n")


def _scrypt(text: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    plain = unicodedata.normalize("NFC", text).encode()
    return hashlib.scrypt(plain, salt=salt, n=n, r=r, p=p, maxmem=_MOST_MEMORY)


def _digest(text: str) -> bytes:
    """So that the comparison tells nothing of the length."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode()).digest()
