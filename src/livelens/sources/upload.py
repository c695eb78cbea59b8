"""Clips that people uploaded to the server."""

import re
import unicodedata
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from platformdirs import user_data_path

from livelens.errors import ConfigError, SourceError
from livelens.sources.file import File, FileSource
from livelens.spec import SourceSpec

_MOST_BYTES = 200
_NAME = re.compile(r"[^\W_][\w ()+,.&'@-]*")
_ODD = re.compile(r"[^\w ()+,.&'@-]+")


class _Clip(File, frozen=True, kw_only=True):
    """A file whose place is nobody's business."""

    shown: str

    @property
    def label(self) -> str:
        return self.shown


class Upload(SourceSpec, frozen=True, kw_only=True):
    """An uploaded clip, at its own pace.

    Attributes:
        name: as the upload was answered.
        loop: begin again at the end, for ever.
        folder: where uploads lie; None is the one in the user's data folder. The server sets it.
    """

    name: str
    loop: bool = False
    folder: str | None = None

    def __post_init__(self) -> None:
        if not is_upload_name(self.name):
            raise ValueError(f"{self.name!r} is no name of an upload")

    @property
    def live(self) -> bool:
        return True

    @property
    def label(self) -> str:
        return f"upload://{quote(self.name)}"

    @property
    def path(self) -> Path:
        """Where the clip lies."""
        return uploads_folder(self.folder) / self.name

    @classmethod
    def from_url(cls, url: str) -> "Upload":
        """``upload://NAME[?loop=1]``"""
        parts = urlsplit(url)
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        loop = given.pop("loop", "0") not in ("0", "false", "no")
        if given:
            raise ConfigError(f"{url}: unknown {', '.join(sorted(given))} (loop)")
        try:
            return cls(name=unquote(parts.netloc + parts.path), loop=loop)
        except ValueError as error:
            raise ConfigError(str(error)) from None

    @staticmethod
    def looked_at(path: Path, shown: str) -> FileSource:
        """A clip that has no name yet, as fast as it is read. Raises SourceError."""
        return _Clip(path=str(path), pace=False, shown=shown).open()

    def open(self) -> FileSource:
        folder = uploads_folder(self.folder)
        if not (folder / self.name).resolve().is_relative_to(folder.resolve()):
            raise SourceError(f"{self.label}: it lies outside of the folder of uploads")
        clip = _Clip(path=str(self.path), loop=self.loop, pace=True, shown=self.label)
        return clip.open()


def uploads_folder(configured: str | None) -> Path:
    """Where uploads lie."""
    if configured is not None:
        return Path(configured).expanduser()
    return user_data_path("livelens") / "uploads"


def is_upload_name(name: str) -> bool:
    """Whether an upload can be called so: a plain name, and no path."""
    return _NAME.fullmatch(name) is not None and len(name.encode()) <= _MOST_BYTES


def upload_name(asked: str) -> str:
    """The name nearest to the one asked for that an upload can have; `clip` if none is left."""
    name = unicodedata.normalize("NFC", asked).replace("\\", "/").rpartition("/")[2]
    name = _ODD.sub("-", name).lstrip(" ()+,.&'@_-").rstrip()
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    ending = f"{dot}{suffix}"[:20]
    while len((stem + ending).encode()) > _MOST_BYTES:
        stem = stem[:-1]
    name = stem + ending
    return (
        name if is_upload_name(name) else f"clip{ending if is_upload_name('clip' + ending) else ''}"
    )
