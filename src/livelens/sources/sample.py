"""A clip of the zoo as a live stand-in for a camera, to look around without one."""

from pathlib import Path

from livelens.errors import ConfigError, LivelensError, SourceError
from livelens.models import zoo
from livelens.models.manifest import manifest
from livelens.sources.file import File, FileSource
from livelens.spec import SourceSpec

_VIDEO = (".mp4", ".webm", ".mkv", ".mov", ".avi")


class _Clip(File, frozen=True, kw_only=True):
    """A file whose place is nobody's business."""

    shown: str

    @property
    def label(self) -> str:
        return self.shown


class Sample(SourceSpec, frozen=True, kw_only=True):
    """A sample clip, again and again at its own pace; fetched when it is first opened.

    Attributes:
        clip: its name in the zoo.
    """

    clip: str = "bikes"

    def __post_init__(self) -> None:
        known = clips()
        if self.clip not in known:
            raise ValueError(f"there is no sample {self.clip!r} ({', '.join(known)})")

    @property
    def label(self) -> str:
        return f"sample://{self.clip}"

    @classmethod
    def from_url(cls, url: str) -> "Sample":
        """``sample://CLIP``"""
        try:
            return cls(clip=url.partition("://")[2] or "bikes")
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def open(self) -> FileSource:
        try:
            path = zoo.clip(self.clip)
        except LivelensError as error:
            raise SourceError(f"{self.label}: {error}") from error
        return _Clip(path=str(path), loop=True, pace=True, shown=self.label).open()


def clips() -> list[str]:
    """Names of the clips that are videos."""
    return [
        card.name
        for card in manifest().clips
        if Path(card.package.files[0].name).suffix.lower() in _VIDEO
    ]
