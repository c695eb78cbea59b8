"""The gallery: who is known, as numbers in one ordinary file.

The file is JSON. It holds the name of the network that made the numbers, and for each person
when he was enrolled and one embedding for each picture; no pictures. Only its owner may read
it (mode 600). It is written as a whole beside the old one and then put in its place, so that
a reader sees one or the other; writers wait for each other.
"""

import contextlib
import fcntl
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import platformdirs
import structlog
from numpy.typing import NDArray

from livelens.clock import NS_PER_S, wall_ns
from livelens.errors import ConfigError, GalleryError, NotFound

log = structlog.get_logger(__name__)

Embeddings = NDArray[np.float32]

UNKNOWN = "unknown"
_VERSION = 1
_NAME = re.compile(r"[^\W_][\w .,'’()-]{0,63}")
# Two embeddings nearer than this come from one and the same picture.
_SAME_PICTURE = 0.9999
_STORED = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class Kind:
    """What embeddings are: only those of one kind can be compared.

    Attributes:
        model: what made them.
        size: how many numbers each has.
    """

    model: str
    size: int


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    enrolled: str
    changed: str
    embeddings: tuple[bytes, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    livelens_gallery: Annotated[int, msgspec.Meta(ge=1)]
    model: str
    people: dict[str, _Stored]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known.

    Attributes:
        name: as he was enrolled.
        enrolled, changed: when the first and the latest picture were enrolled, UTC, ISO 8601.
        embeddings: (pictures, numbers), each of length 1.
    """

    name: str
    enrolled: str
    changed: str
    embeddings: Embeddings

    @property
    def mean(self) -> NDArray[np.float32]:
        """(numbers,) of length 1: what all pictures have in common."""
        total = self.embeddings.sum(axis=0)
        return np.asarray(total / np.linalg.norm(total), np.float32)


@dataclass(frozen=True, slots=True)
class Gallery:
    """Everybody who is known, by name, in the order of enrolment.

    Attributes:
        model: what made the embeddings; empty in a gallery that is not there yet.
    """

    model: str
    people: Mapping[str, Person]

    @classmethod
    def empty(cls) -> "Gallery":
        """One that knows nobody."""
        return cls("", {})


def default_path() -> Path:
    """Where the gallery is unless said otherwise: the user's data folder."""
    return platformdirs.user_data_path("livelens") / "faces.json"


def checked_name(name: str) -> str:
    """A name that is fit for lists, labels and URLs.

    Raises:
        ConfigError: it is not.
    """
    tidy = unicodedata.normalize("NFC", name).strip()
    if not _NAME.fullmatch(tidy):
        raise ConfigError(
            f"{name!r:.80} is no name: use 1 to 64 letters, digits, spaces and - _ . , ' ( ), "
            "beginning with a letter or digit"
        )
    if tidy.casefold() == UNKNOWN:
        raise ConfigError(f"nobody can be called {UNKNOWN!r}: it is what strangers are called")
    return tidy


def read(path: Path, kind: Kind | None = None) -> Gallery:
    """The gallery in a file; an empty one where there is no file.

    Args:
        path: the file.
        kind: of the embeddings that are wanted; None takes any.

    Raises:
        GalleryError: the file cannot be read, is no gallery, or is of another model.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Gallery.empty()
    except OSError as error:
        raise GalleryError(f"cannot read the gallery {path}: {error.strerror}") from error
    gallery = _decoded(path, data)
    if kind is None or not gallery.people:
        return gallery
    if gallery.model != kind.model:
        raise GalleryError(
            f"the gallery {path} was made with {gallery.model}, this version compares "
            f"{kind.model}: enrol everybody anew into another file"
        )
    for person in gallery.people.values():
        if person.embeddings.shape[1] != kind.size:
            raise GalleryError(f"{path} is damaged: {person.name} has not {kind.size} numbers")
    return gallery


def add(path: Path, name: str, embeddings: Sequence[NDArray[np.float32]], kind: Kind) -> Person:
    """Enrols embeddings of one person, besides those he has; the same picture counts once.

    Raises:
        ConfigError: the name is none.
        GalleryError: the file cannot be read or written, or is of another model.
    """
    name = checked_name(name)
    with _locked(path):
        gallery = read(path, kind)
        now = datetime.fromtimestamp(wall_ns() / NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = gallery.people.get(name)
        rows = list(known.embeddings) if known else []
        for embedding in embeddings:
            if not any(float(row @ embedding) > _SAME_PICTURE for row in rows):
                rows.append(np.asarray(embedding, np.float32))
        person = Person(name, known.enrolled if known else now, now, np.stack(rows))
        _write(path, Gallery(kind.model, {**gallery.people, name: person}))
    return person


def remove(path: Path, name: str) -> None:
    """Deletes a person and everything that the file holds of him. Works on any model's file.

    Raises:
        NotFound: nobody is called so.
        GalleryError: the file cannot be read or written.
    """
    tidy = unicodedata.normalize("NFC", name).strip()
    with _locked(path):
        gallery = read(path)
        if tidy not in gallery.people:
            raise NotFound(f"nobody is called {tidy!r:.80} in the gallery {path}")
        rest = {key: person for key, person in gallery.people.items() if key != tidy}
        _write(path, Gallery(gallery.model, rest))


class Watched:
    """A gallery that is read anew whenever its file has changed.

    While the file cannot be used nobody is known, and the log says why, once.

    Raises:
        GalleryError: the file cannot be used from the beginning.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self._kind = kind
        self._seen = self._stamp()
        self._gallery = read(path, kind)

    def current(self) -> Gallery:
        """The gallery as it is now; the same object while nothing has changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._gallery = read(self.path, self._kind)
            except GalleryError as error:
                log.warning("nobody is recognised", reason=str(error))
                self._gallery = Gallery.empty()
        return self._gallery

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def _decoded(path: Path, data: bytes) -> Gallery:
    try:
        file = msgspec.json.decode(data, type=_File)
        if file.livelens_gallery != _VERSION:
            raise GalleryError(
                f"the gallery {path} is of version {file.livelens_gallery}, this version of "
                f"Livelens reads {_VERSION}"
            )
        people = {name: _person(name, stored) for name, stored in file.people.items()}
    except (msgspec.DecodeError, ValueError) as error:
        raise GalleryError(f"{path} is no gallery, or is damaged: {error}") from error
    return Gallery(file.model, people)


def _person(name: str, stored: _Stored) -> Person:
    if not stored.embeddings:
        raise ValueError(f"{name} has no embedding")
    rows = [np.frombuffer(row, _STORED).astype(np.float32) for row in stored.embeddings]
    matrix = np.stack(rows)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ValueError(f"the embeddings of {name} are no numbers")
    return Person(name, stored.enrolled, stored.changed, matrix / lengths)


def _write(path: Path, gallery: Gallery) -> None:
    people = {
        name: _Stored(
            person.enrolled,
            person.changed,
            tuple(row.astype(_STORED).tobytes() for row in person.embeddings),
        )
        for name, person in gallery.people.items()
    }
    data = msgspec.json.encode(_File(_VERSION, gallery.model, people))
    target = path.resolve()
    try:
        # Made readable by its owner alone, by mkstemp.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.format(data, indent=1))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise GalleryError(f"cannot write the gallery {path}: {error.strerror}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time, of all processes."""
    target = path.resolve()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise GalleryError(f"cannot write the gallery {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
