"""A moving test picture that carries its frame's number."""

import re
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs

import cv2
import numpy as np

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError
from livelens.picture import ArrayPicture, Pixels
from livelens.sources.counter import draw_counter
from livelens.sources.pace import Pacer
from livelens.spec import SourceSpec
from livelens.types import Captured

_URL = re.compile(r"pattern:(?://)?(?:(\d+)x(\d+))?(?:@(\d+(?:\.\d+)?))?/?(?:\?(.*))?", re.I)


class Pattern(SourceSpec, frozen=True, kw_only=True):
    """A coloured picture that scrolls, with a ball and a counter (see `counter`).

    Attributes:
        width_px, height_px: size, even.
        fps: pictures per second of media time.
        frames: how many; None for ever.
        realtime: at the pace of the clock, as a camera; else as fast as it is read.
    """

    width_px: int = 1280
    height_px: int = 720
    fps: float = 30.0
    frames: int | None = None
    realtime: bool = True

    def __post_init__(self) -> None:
        for name, value in (("width_px", self.width_px), ("height_px", self.height_px)):
            if not 64 <= value <= 7680 or value % 2:
                raise ValueError(f"{name} is an even number in 64..7680, not {value}")
        if not 0 < self.fps <= 1000:
            raise ValueError(f"fps is above 0 and at most 1000, not {self.fps}")
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames is 1 or more, not {self.frames}")

    @property
    def live(self) -> bool:
        return self.realtime

    @property
    def label(self) -> str:
        return f"pattern://{self.width_px}x{self.height_px}@{self.fps:g}"

    @classmethod
    def from_url(cls, url: str) -> "Pattern":
        """``pattern://[WIDTHxHEIGHT][@FPS][?frames=N&realtime=0]``"""
        match = _URL.fullmatch(url)
        if match is None:
            raise ConfigError(f"{url!r} is not like pattern://1280x720@30?frames=100&realtime=0")
        width, height, fps, query = match.groups()
        given = {key: values[-1] for key, values in parse_qs(query or "").items()}
        try:
            spec = cls(
                width_px=int(width or 1280),
                height_px=int(height or 720),
                fps=float(fps or 30),
                frames=int(given.pop("frames")) if "frames" in given else None,
                realtime=given.pop("realtime", "1") not in ("0", "false", "no"),
            )
        except ValueError as error:
            raise ConfigError(f"{url}: {error}") from None
        if given:
            raise ConfigError(f"{url}: unknown {', '.join(sorted(given))} (frames, realtime)")
        return spec

    def open(self) -> "PatternSource":
        return PatternSource(self)


class PatternSource:
    """An opened `Pattern`."""

    def __init__(self, spec: Pattern) -> None:
        self._spec = spec
        self._stop = threading.Event()
        self._scene = _scene(spec.width_px, spec.height_px)

    def frames(self) -> Iterator[Captured]:
        spec = self._spec
        pacer = Pacer(self._stop)
        number = 0
        while not self._stop.is_set() and (spec.frames is None or number < spec.frames):
            pts_ns = round(number * NS_PER_S / spec.fps)
            if spec.realtime and not pacer.wait(pts_ns):
                return
            captured_ns = now_ns()
            yield Captured(ArrayPicture(self.draw(number)), pts_ns, captured_ns)
            number += 1

    def draw(self, number: int) -> Pixels:
        """Picture `number`: (height, width, 3) uint8 BGR, the same at every call."""
        spec = self._spec
        width, height = spec.width_px, spec.height_px
        offset = number * 4 % width
        image = self._scene[:, offset : offset + width].copy()
        radius = height // 10
        # A triangle wave for each axis: the ball bounces off the edges.
        span_x, span_y = width - 2 * radius, height - 2 * radius - height // 9
        x = radius + abs((number * 7) % (2 * span_x) - span_x)
        y = radius + height // 9 + abs((number * 5) % (2 * span_y) - span_y)
        cv2.circle(image, (x, y), radius, (40, 220, 255), -1, cv2.LINE_AA)
        cv2.circle(image, (x, y), radius, (20, 20, 20), 2, cv2.LINE_AA)
        draw_counter(image, number)
        return image

    def close(self) -> None:
        self._stop.set()


def _scene(width: int, height: int) -> Pixels:
    """A picture twice as wide, whose halves are equal, to look at through a moving window."""
    x = np.arange(width)
    hue = np.broadcast_to(x * 180 // width, (height, width))
    shade = np.broadcast_to(np.linspace(230, 110, height)[:, None], (height, width))
    stripes = ((x[None, :] // (width // 16) + np.arange(height)[:, None] // (height // 9)) % 2) * 60
    hsv = np.stack([hue, 110 + stripes, shade], axis=-1).astype(np.uint8)
    tile = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    return np.asarray(np.concatenate([tile, tile], axis=1), dtype=np.uint8)
