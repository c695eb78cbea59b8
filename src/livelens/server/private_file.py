"""Files that only their owner may read, and that are never half written."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_private(file: Path, data: bytes) -> None:
    """Replace a file as a whole; its folder is made if there is none.

    Raises:
        OSError: it cannot be written; the former file stays as it was.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        # Created with its mode: there is no moment at which others could read it.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
