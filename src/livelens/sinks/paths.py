"""The names of the files that sinks write."""

import re
from datetime import UTC, datetime
from pathlib import Path

from livelens.clock import wall_ns
from livelens.errors import SinkError

PLACEHOLDERS = ("stream", "time")


def filled_in(template: Path, stream_id: str) -> Path:
    """The path with `{stream}` and `{time}` (UTC, 20261121T093000Z) filled in.

    Raises:
        SinkError: another name in braces.
    """
    now = datetime.fromtimestamp(wall_ns() / 1e9, UTC)
    values = {"stream": re.sub(r"[^\w.-]", "_", stream_id), "time": now.strftime("%Y%m%dT%H%M%SZ")}

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise SinkError(f"{template}: {match[0]} means nothing here, only {known} do")
        return values[match[1]]

    return Path(re.sub(r"\{(\w*)\}", value, str(template)))


def parent_checked(path: Path) -> Path:
    """The same path.

    Raises:
        SinkError: its folder does not exist, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise SinkError(f"cannot write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise SinkError(f"cannot write {path}: it is a folder")
    return path
