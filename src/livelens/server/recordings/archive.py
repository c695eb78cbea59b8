"""The recordings on disk: what is known of each, how much they take, which have to go.

Four files a recording: `ID.mp4`, `ID.jsonl` (results), `ID.jpg` and `ID.json` (facts). Only
what is listed is ever read or deleted, and only what has facts under its own name is listed:
a file that somebody else has put here is left alone. Everything here may wait for the disk.
"""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from livelens.errors import Conflict, LivelensError
from livelens.events import Result, decoded
from livelens.media.fragments import Fragments
from livelens.server.recordings.seen import Seen, Spans, names_in
from livelens.server.recordings.settings import Recordings

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = structlog.get_logger(__name__)

End = Literal[
    "", "asked", "stream-ended", "stream-failed", "stream-stopped", "length", "disk", "space",
    "broken", "server",
]  # fmt: skip
Reason = Literal["age", "space", "asked", "empty"]

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,110}")
_SUFFIXES = (".mp4", ".jsonl", ".jpg.new", ".jpg", ".json.new", ".json")
_LOCK = ".livelens.lock"


class RecordingInfo(msgspec.Struct, frozen=True):
    """A recording. Its time begins with its first picture.

    Attributes:
        drawn: what was found is drawn on the pictures.
        began_unix_s, ended_unix_s: by the server's clock; the latter None while it goes on.
        duration_s: of the video.
        size_bytes: of all its files.
        frames: pictures in the video.
        results: lines of results.
        first_pts_ns: `pts_ns` of the results of the first picture: what a result tells of is
            seen at (pts_ns - first_pts_ns) / 1e9 seconds of the video.
        stages: what the pictures went through when it began.
        flux: the settings of its `flux` stages when it began, for their lines and zones.
        end: why it ended; empty while it goes on.
        detail: the same in words, where there is more to say.
        seen: [from, to] in seconds by class; only told of a single recording.
        playable_bytes: while it goes on, how much of the video can be played now, for
            `/video?to=`; the whole otherwise.
    """

    id: str
    stream: str
    drawn: bool
    state: Literal["recording", "ended"]
    began_unix_s: float
    ended_unix_s: float | None = None
    duration_s: float = 0.0
    size_bytes: int = 0
    frames: int = 0
    fps: float = 0.0
    size_px: tuple[int, int] | None = None
    results: int = 0
    first_pts_ns: int = 0
    stages: list[str] = []
    flux: list[dict[str, Any]] = []
    end: End = ""
    detail: str = ""
    seen: Spans = {}
    playable_bytes: int = 0


class Archive:
    """The folder of one server. One thread at a time writes.

    Attributes:
        folder: made when the first recording begins.
        owned: no other server that lives writes here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owned = False
        self._lock_file: int | None = None

    def file(self, recording_id: str, suffix: str) -> Path:
        """The path of one of its files."""
        return self.folder / f"{recording_id}{suffix}"

    def own(self) -> None:
        """Make sure that this server alone writes to the folder, which is made if need be.

        Raises:
            Conflict: another server does.
            LivelensError: the folder cannot be used.
        """
        if self.owned:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock_file = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            if fcntl is not None:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.leave()
            raise Conflict(
                f"another server records into {self.folder}: give this one a folder of its own, "
                "recordings.folder"
            ) from None
        except OSError as error:
            self.leave()
            raise LivelensError(f"cannot record into {self.folder}: {error.strerror}") from None
        self.owned = True

    def leave(self) -> None:
        """Let another server have the folder."""
        self.owned = False
        lock_file, self._lock_file = self._lock_file, None
        if lock_file is not None:
            with suppress(OSError):
                os.close(lock_file)

    def read(self) -> dict[str, RecordingInfo]:
        """Every recording by id. What a server that died was recording is brought to its end.

        Raises:
            LivelensError: the folder cannot be read.
        """
        if not self.folder.is_dir():
            return {}
        try:
            self.own()
        except LivelensError as error:
            log.warning("recordings", error=str(error))
        found: dict[str, RecordingInfo] = {}
        try:
            names = sorted(self.folder.glob("*.json"))
        except OSError as error:
            raise LivelensError(f"cannot read {self.folder}: {error.strerror}") from None
        for path in names:
            info = self._facts(path)
            if info is not None and info.state == "recording" and self.owned:
                info = self._recovered(info)
            if info is not None:
                found[info.id] = info
        return found

    def write(self, info: RecordingInfo) -> None:
        """Keep what is known of a recording. Raises OSError."""
        path = self.file(info.id, ".json")
        fresh = path.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.encode(info))
        fresh.replace(path)

    def delete(self, recording_id: str) -> None:
        """Delete its files; facts last, so that what fails half-way is tried again.

        Raises:
            LivelensError: the disk refuses.
        """
        try:
            for suffix in _SUFFIXES:
                self.file(recording_id, suffix).unlink(missing_ok=True)
        except OSError as error:
            raise LivelensError(f"cannot delete {recording_id}: {error.strerror}") from None

    def size_bytes(self, recording_id: str) -> int:
        """What its files take."""
        total = 0
        for suffix in _SUFFIXES:
            with suppress(OSError):
                total += self.file(recording_id, suffix).stat().st_size
        return total

    def free_bytes(self) -> int:
        """What the disk has left; of the folder that will hold the recordings, if it is not yet."""
        folder = self.folder
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _facts(self, path: Path) -> RecordingInfo | None:
        """What a file of facts says; None if it is none of ours."""
        if not ID.fullmatch(path.stem) or path.is_symlink():
            return None
        try:
            info = msgspec.json.decode(path.read_bytes(), type=RecordingInfo)
        except (OSError, msgspec.DecodeError):
            log.warning("not a recording", file=str(path))
            return None
        return info if info.id == path.stem else None

    def _recovered(self, info: RecordingInfo) -> RecordingInfo | None:
        """The recording of a server that died, as one that has ended; None if it holds nothing."""
        video = self.file(info.id, ".mp4")
        fragments = Fragments()
        try:
            fragments.look(video)
            if not fragments.plain and not fragments.ends:
                self.delete(info.id)
                log.info("recording deleted", recording=info.id, reason="empty")
                return None
            ended = video.stat().st_mtime
            if not fragments.plain:
                fragments.tell_duration(video)
            changes: dict[str, Any] = self._told_by_results(info)
        except (OSError, LivelensError) as error:
            log.warning("recording not recovered", recording=info.id, error=str(error))
            return None
        duration_s = fragments.duration_s or max(0.0, ended - info.began_unix_s)
        changes["frames"] = fragments.pictures or info.frames
        info = msgspec.structs.replace(
            info,
            state="ended",
            end="server",
            ended_unix_s=round(ended, 3),
            duration_s=round(duration_s, 3),
            fps=round(changes["frames"] / duration_s, 2) if duration_s else 0.0,
            size_bytes=self.size_bytes(info.id),
            **changes,
        )
        with suppress(OSError):
            self.write(info)
        log.info("recording recovered", recording=info.id, seconds=info.duration_s)
        return info

    def _told_by_results(self, info: RecordingInfo) -> dict[str, Any]:
        """Lines and marks, from the results that are complete; the rest is cut off."""
        path = self.file(info.id, ".jsonl")
        seen, lines, whole = Seen(), 0, 0
        if not path.exists():
            return {}
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                lines, whole = lines + 1, whole + len(line)
                with suppress(msgspec.DecodeError):
                    message = decoded(line)
                    if isinstance(message, Result):
                        at_s = (message.pts_ns - info.first_pts_ns) / 1e9
                        seen.add(at_s, names_in(message))
        os.truncate(path, whole)
        return {"results": lines, "seen": seen.spans}


def to_delete(
    ended: Iterable[RecordingInfo], total_bytes: int, now_unix_s: float, settings: Recordings
) -> list[tuple[str, Reason]]:
    """Which recordings that have ended must go, and why: the oldest first.

    Args:
        ended: those that may go.
        total_bytes: of all, those that go on included.
    """
    gone: list[tuple[str, Reason]] = []
    for info in sorted(ended, key=lambda each: each.began_unix_s):
        age_s = now_unix_s - (info.ended_unix_s or info.began_unix_s)
        if settings.max_age_s is not None and age_s > settings.max_age_s:
            gone.append((info.id, "age"))
        elif settings.max_bytes is not None and total_bytes > settings.max_bytes:
            gone.append((info.id, "space"))
        else:
            continue
        total_bytes -= info.size_bytes
    return gone
