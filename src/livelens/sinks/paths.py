"""The names of the files that sinks write."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from livelens.clock import wall_ns
from livelens.errors import SinkError

PLACEHOLDERS = ("stream", "time")


def check_template(template: str) -> None:
    """Refuse names in braces that `filled_in` does not know, when they are written.

    Raises:
        ValueError: names them.
    """
    for name in re.findall(r"\{(\w*)\}", template):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"path: {{{name}}} means nothing here, only {known} do")
    if "\0" in template:
        raise ValueError("path names no file")


def filled_in(template: Path, stream_id: str) -> Path:
    """The path with `{stream}` and `{time}` (UTC, 20261121T093000Z) filled in."""
    now = datetime.fromtimestamp(wall_ns() / 1e9, UTC)
    values = {"stream": re.sub(r"[^\w.-]", "_", stream_id), "time": now.strftime("%Y%m%dT%H%M%SZ")}

    known = "|".join(PLACEHOLDERS)
    return Path(re.sub(rf"\{{({known})\}}", lambda match: values[match[1]], str(template)))


def parent_checked(path: Path) -> Path:
    """The same path.

    Raises:
        SinkError: its folder does not exist, it is a folder itself, or it may not be written.
    """
    try:
        if not path.parent.is_dir():
            raise SinkError(f"cannot write {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise SinkError(f"cannot write {path}: it is a folder")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise SinkError(f"cannot write {path}: this is not permitted")
    except OSError as error:  # the name is too long, or the folder is nobody's business
        raise SinkError(f"cannot write {path}: {error.strerror}") from None
    return path
