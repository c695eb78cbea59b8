"""What a server keeps for itself in the user's configuration folder, readable by him alone."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_config_path

from livelens.errors import ConfigError
from livelens.server.access.settings import LEAST_SECRET


def folder() -> Path:
    """Where it is kept."""
    return user_config_path("livelens")


def read_text(file: Path) -> str | None:
    """What the file holds; None if there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None


def replace(file: Path, text: str) -> None:
    """Write the file as a whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    # Created with its mode: there is no moment at which others could read it.
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(text)
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error}") from None


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other processes from changing the file meanwhile.

    Raises:
        ConfigError: it cannot be locked.
    """
    lock = file.with_name(f".{file.name}.lock")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{file} cannot be locked: {error}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def secret() -> str:
    """The secret that was made at the first start.

    Raises:
        ConfigError: it cannot be kept.
    """
    file = folder() / "secret"
    with locked(file):
        known = (read_text(file) or "").strip()
        if len(known) < LEAST_SECRET:
            known = secrets.token_urlsafe(48)
            replace(file, known + "\n")
    return known
