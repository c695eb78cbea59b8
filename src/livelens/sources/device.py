"""Cameras of this machine (V4L2), read by the ffmpeg program."""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

from livelens.errors import ConfigError
from livelens.sources.ffmpeg import FfmpegSource
from livelens.spec import SourceSpec

_FORMAT: Final = re.compile(r"[a-z0-9_]+", re.I)


class Device(SourceSpec, frozen=True, kw_only=True):
    """A V4L2 camera.

    Attributes:
        path: of the device.
        width_px, height_px: size to ask for; None: as the driver likes.
        fps: rate to ask for; None: as the driver likes.
        pixel_format: what the camera sends, ``mjpeg``, ``h264`` or ``yuyv422`` say. USB
            cameras reach high rates only with ``mjpeg``.
        open_timeout_s: until the first picture.
        read_timeout_s: longest silence before the camera counts as gone.
        program: ffmpeg, by name or path.
    """

    path: str = "/dev/video0"
    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None
    pixel_format: str | None = None
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    program: str = "ffmpeg"

    def __post_init__(self) -> None:
        if not self.path.startswith("/dev/") or ".." in self.path or "\0" in self.path:
            raise ValueError(f"path is a device like /dev/video0, not {self.path!r}")
        if (self.width_px is None) != (self.height_px is None):
            raise ValueError("width_px and height_px go together")
        if self.width_px is not None and not (0 < self.width_px <= 16384):
            raise ValueError(f"width_px is in 1..16384, not {self.width_px}")
        if self.height_px is not None and not (0 < self.height_px <= 16384):
            raise ValueError(f"height_px is in 1..16384, not {self.height_px}")
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise ValueError(f"fps is above 0 and at most 1000, not {self.fps}")
        if self.pixel_format is not None and not _FORMAT.fullmatch(self.pixel_format):
            raise ValueError(f"{self.pixel_format!r} is no pixel format")

    @property
    def label(self) -> str:
        return self.path

    @classmethod
    def from_url(cls, url: str) -> "Device":
        """``v4l2:///dev/video0[?size=1280x720&fps=30&format=mjpeg]``"""
        parts = urlsplit(url)
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            width, _, height = given.pop("size", "").partition("x")
            fps = given.pop("fps", None)
            spec = cls(
                path=parts.netloc + parts.path or "/dev/video0",
                width_px=int(width) if width else None,
                height_px=int(height) if height else None,
                fps=float(fps) if fps is not None else None,
                pixel_format=given.pop("format", None),
            )
        except ValueError as error:
            raise ConfigError(f"{url}: {error}") from None
        if given:
            raise ConfigError(f"{url}: unknown {', '.join(sorted(given))} (size, fps, format)")
        return spec

    def arguments(self) -> list[str]:
        """What ffmpeg is told of the input."""
        arguments = ["-f", "v4l2"]
        if self.pixel_format is not None:
            arguments += ["-input_format", self.pixel_format]
        if self.fps is not None:
            arguments += ["-framerate", f"{self.fps:g}"]
        if self.width_px is not None:
            arguments += ["-video_size", f"{self.width_px}x{self.height_px}"]
        return [*arguments, "-i", self.path]

    def open(self) -> FfmpegSource:
        return FfmpegSource(
            self.arguments(),
            label=self.label,
            secrets={},
            program=self.program,
            open_timeout_s=self.open_timeout_s,
            read_timeout_s=self.read_timeout_s,
        )
