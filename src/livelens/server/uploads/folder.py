"""The folder of uploaded clips: what lies in it, what is coming, and how much room is left.

Everything here blocks; the routes call it on threads.
"""

import errno
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from livelens.clock import NS_PER_S, wall_ns
from livelens.errors import LivelensError, NotFound, SourceError, UploadError
from livelens.server.config import Uploads
from livelens.sources.upload import Upload, is_upload_name, upload_name, uploads_folder

# Room that uploads leave on the disk for everybody else.
_SPARE_BYTES = 67_108_864
_PART = ".part"
# Nobody has written to it for so long: its server was killed.
_STALE_S = 600


class ClipFacts(msgspec.Struct, frozen=True):
    """What a clip says of itself; None where it does not tell."""

    duration_s: float | None
    size_px: tuple[int, int] | None
    fps: float | None
    codec: str | None


UNKNOWN = ClipFacts(None, None, None, None)


class FullError(LivelensError):
    """There is no room for an upload."""


class Incoming:
    """A clip that is being written under a name that nobody sees."""

    def __init__(self, folder: "UploadFolder", declared: int) -> None:
        self.claimed = declared
        self.received = 0
        self._folder = folder
        self.path = folder.path / f".{secrets.token_hex(8)}{_PART}"
        self._out: BinaryIO = self.path.open("xb")

    def write(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            FullError: the disk, or what uploads may take of it, is full.
        """
        self.received += len(data)
        if self.received > self.claimed:
            self.claimed = self.received
            self._folder.check_room()
        try:
            self._out.write(data)
            self._out.flush()
        except OSError as error:
            raise _full(error) from None

    def close(self) -> None:
        """Nothing more comes. Raises FullError."""
        try:
            self._out.close()
        except OSError as error:
            raise _full(error) from None


class UploadFolder:
    """The uploaded clips of a server. Any thread."""

    def __init__(self, settings: Uploads) -> None:
        self.path = uploads_folder(settings.folder)
        self._settings = settings
        self._lock = threading.Lock()
        self._incoming: set[Incoming] = set()
        self._facts: dict[tuple[str, int, int], ClipFacts] = {}
        self._sweep()

    def begin(self, declared: int) -> Incoming:
        """Make room for an upload of so many bytes; 0 where it does not tell.

        Raises:
            FullError: there is none.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            incoming = Incoming(self, declared)
        except OSError as error:
            raise _full(error) from None
        with self._lock:
            self._incoming.add(incoming)
        try:
            self.check_room()
        except FullError:
            self.discard(incoming)
            raise
        return incoming

    def keep(self, incoming: Incoming, asked: str) -> tuple[str, ClipFacts]:
        """Give an upload that has come wholly its name, with a number where that is taken.

        Raises:
            UploadError: it is no video; it is still to be discarded.
            FullError: the disk is full.
        """
        incoming.close()
        facts = _facts(incoming.path, asked)
        with self._lock:
            name = self._free(upload_name(asked))
            incoming.path.replace(self.path / name)
            self._incoming.discard(incoming)
            self._facts[self._key(name)] = facts
        return name, facts

    def discard(self, incoming: Incoming) -> None:
        """Forget an upload that will not be kept. More than once is fine."""
        with suppress(FullError):
            incoming.close()
        with suppress(OSError):
            incoming.path.unlink(missing_ok=True)
        with self._lock:
            self._incoming.discard(incoming)

    def clips(self) -> list[tuple[str, int, ClipFacts]]:
        """Names, sizes in bytes and facts, by name."""
        found = []
        for name, size in sorted(self._sizes()):
            try:
                key = self._key(name)
            except OSError:  # it has just been deleted
                continue
            if key not in self._facts:
                try:
                    self._facts[key] = _facts(self.path / name, name)
                except UploadError:  # put here by somebody else
                    self._facts[key] = UNKNOWN
            found.append((name, size, self._facts[key]))
        return found

    def remove(self, name: str) -> None:
        """Delete a clip. Raises NotFound."""
        missing = NotFound(f"there is no upload {name!r}")
        if not is_upload_name(name):
            raise missing
        try:
            (self.path / name).unlink()
        except FileNotFoundError:
            raise missing from None
        except OSError as error:
            raise UploadError(f"{name} cannot be deleted: {error.strerror}") from None

    def free_bytes(self) -> int:
        """How large an upload may be at most, now."""
        taken = sum(size for _, size in self._sizes()) + self._claimed()
        return max(0, min(self._settings.max_total_bytes - taken, self._disk_bytes()))

    def check_room(self) -> None:
        """Whether all that is coming finds room. Raises FullError."""
        most = self._settings.max_total_bytes
        if sum(size for _, size in self._sizes()) + self._claimed() > most:
            raise FullError(
                f"uploads may take {most} bytes together (uploads.max_total_bytes):"
                " delete some first"
            )
        with self._lock:
            to_come = sum(each.claimed - each.received for each in self._incoming)
        if to_come > self._disk_bytes():
            raise FullError("the server's disk is full")

    def _claimed(self) -> int:
        with self._lock:
            return sum(each.claimed for each in self._incoming)

    def _disk_bytes(self) -> int:
        there = next(each for each in (self.path, *self.path.parents) if each.exists())
        return shutil.disk_usage(there).free - _SPARE_BYTES

    def _sizes(self) -> Iterator[tuple[str, int]]:
        with suppress(FileNotFoundError), os.scandir(self.path) as entries:
            for entry in entries:
                if is_upload_name(entry.name) and entry.is_file(follow_symlinks=False):
                    with suppress(OSError):
                        yield entry.name, entry.stat().st_size

    def _free(self, name: str) -> str:
        stem, dot, suffix = name.rpartition(".")
        if not dot:
            stem, suffix = name, ""
        number = 1
        while (self.path / name).exists():
            number += 1
            name = upload_name(f"{stem}-{number}{dot}{suffix}")
        return name

    def _key(self, name: str) -> tuple[str, int, int]:
        stat = (self.path / name).stat()
        return name, stat.st_mtime_ns, stat.st_size

    def _sweep(self) -> None:
        """Delete what a server left behind that was killed."""
        with suppress(OSError):
            for part in self.path.glob(f".*{_PART}"):
                if wall_ns() - part.stat().st_mtime_ns > _STALE_S * NS_PER_S:
                    part.unlink(missing_ok=True)


def _facts(path: Path, shown: str) -> ClipFacts:
    """What a clip says of itself, if it can be played.

    Raises:
        UploadError: it is no video.
    """
    try:
        source = Upload.looked_at(path, shown)
        try:
            info = source.info
            pictures = source.frames()
            if next(pictures, None) is None or next(pictures, None) is None:
                raise UploadError(f"{shown}: it holds a single picture, and is no video")
        finally:
            source.close()
    except SourceError as error:
        raise UploadError(str(error)) from None
    return ClipFacts(info.duration_s, (info.width, info.height), info.fps, info.codec)


def _full(error: OSError) -> FullError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FullError("the server's disk is full")
    return FullError(f"uploads cannot be written: {error.strerror}")
