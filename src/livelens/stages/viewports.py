"""Viewports that were found before, or edited by hand: read from results and given to frames."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from livelens.errors import ConfigError
from livelens.events import Shown
from livelens.spec import StageSpec
from livelens.types import Item, Viewport

# 90 kHz and nanoseconds round differently; pictures are further apart.
_SAME_NS = 500_000


class Viewports(StageSpec, frozen=True, kw_only=True):
    """Gives each frame the viewport that a file of results tells for its time.

    `livelens run --results` writes such files. Between two lines the viewport is in between,
    unless the camera has jumped; before the first and behind the last it stands still. For
    pictures of another size it is scaled.

    Attributes:
        path: the file, JSON Lines.
        camera: the name of the stage in it whose viewports are taken; may be left out where
            there is only one.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"viewports"})

    path: Annotated[str, msgspec.Meta(min_length=1)]
    camera: str | None = None

    def open(self) -> "ViewportsStage":
        """Read the whole file.

        Raises:
            ConfigError: names the file, and the line that is wrong.
        """
        return ViewportsStage(self.name or "viewports", read_shots(Path(self.path), self.camera))


@dataclass(frozen=True, slots=True)
class PastShot:
    """What a line tells of one camera; lengths are parts of the picture's width and height.

    Attributes:
        largest: width and height of the largest viewport of the aspect; None: as the picture
            lets it be.
    """

    pts_ns: int
    box: tuple[float, float, float, float]
    aspect: float
    largest: tuple[float, float] | None
    shown: Shown


class ViewportsStage:
    """Frames one stream as before.

    Args:
        name: of the viewports it gives.
        shots: one at least, in the order of time.
    """

    def __init__(self, name: str, shots: Sequence[PastShot]) -> None:
        self._name = name
        self._shots = shots
        self._times = [shot.pts_ns for shot in shots]

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with a viewport each."""
        return [
            item.with_(viewports={**item.viewports, self._name: self._at(item)}) for item in items
        ]

    def close(self) -> None:
        """Nothing to release."""

    def _at(self, item: Item) -> Viewport:
        pts_ns = item.frame.pts_ns
        last = max(bisect_right(self._times, pts_ns + _SAME_NS) - 1, 0)
        shot = self._shots[last]
        left, top, right, bottom = shot.box
        if last + 1 < len(self._shots) and pts_ns > shot.pts_ns + _SAME_NS:
            after = self._shots[last + 1]
            if not after.shown.cut:
                part = (pts_ns - shot.pts_ns) / (after.pts_ns - shot.pts_ns)
                left, top, right, bottom = (
                    a + (b - a) * part for a, b in zip(shot.box, after.box, strict=True)
                )
        width, height = item.frame.size_px
        largest = (
            (shot.largest[0] * width, shot.largest[1] * height)
            if shot.largest is not None
            else (min(width, height * shot.aspect), min(height, width / shot.aspect))
        )
        return Viewport(
            left * width,
            top * height,
            (right - left) * width,
            (bottom - top) * height,
            shot.aspect,
            largest,
            shot.shown.cut,
            tuple(shot.shown.subjects),
            shot.shown.state,
        )


class _Line(msgspec.Struct, frozen=True):
    """What is read of a result."""

    type: str
    pts_ns: int = -1
    size_px: tuple[int, int] = (0, 0)
    viewports: dict[str, Shown] = {}


def read_shots(path: Path, camera: str | None = None) -> list[PastShot]:
    """What a camera has shown, by a file of results.

    Raises:
        ConfigError: names the file, and the line that is wrong.
    """
    try:
        with path.expanduser().open("rb") as file:
            shots = list(_shots(file, path, camera))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if not shots:
        raise ConfigError(f"{path}: there is no viewport in it")
    return shots


def _shots(lines: Iterator[bytes], path: Path, camera: str | None) -> Iterator[PastShot]:
    decoder = msgspec.json.Decoder(_Line)
    last_ns = -1
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = decoder.decode(text)
            if line.type != "result":
                continue
            shot = _shot(line, camera, last_ns)
        except (ValueError, msgspec.MsgspecError) as error:
            raise ConfigError(f"{path}:{number}: {' '.join(str(error).split())}") from None
        except RecursionError:
            raise ConfigError(f"{path}:{number}: it is nested too deeply") from None
        last_ns = shot.pts_ns
        yield shot


def _shot(line: _Line, camera: str | None, last_ns: int) -> PastShot:
    """Raises ValueError: what is wrong with the line."""
    if line.pts_ns <= last_ns:
        raise ValueError("pts_ns is not greater than that of the line before")
    width, height = line.size_px
    if width <= 0 or height <= 0:
        raise ValueError("size_px must be the width and height of the picture")
    shown = _of_camera(line.viewports, camera)
    left, top, right, bottom = shown.box
    # Results are rounded to a hundredth.
    if not (-0.01 <= left < right <= width + 0.01 and -0.01 <= top < bottom <= height + 0.01):
        raise ValueError(f"the box {list(shown.box)} is not inside {width}×{height}")
    if not (math.isfinite(shown.aspect) and 0.1 <= shown.aspect <= 10):
        raise ValueError(f"the aspect {shown.aspect:g} is not between 0.1 and 10")
    if (most := shown.largest) is not None and not (
        1 <= most[0] <= width + 0.01 and 1 <= most[1] <= height + 0.01
    ):
        raise ValueError(f"the largest box {list(most)} is no box of {width}×{height}")
    return PastShot(
        line.pts_ns,
        (
            max(left / width, 0.0),
            max(top / height, 0.0),
            min(right / width, 1.0),
            min(bottom / height, 1.0),
        ),
        shown.aspect,
        (shown.largest[0] / width, shown.largest[1] / height) if shown.largest else None,
        shown,
    )


def _of_camera(viewports: dict[str, Shown], camera: str | None) -> Shown:
    if camera is None and len(viewports) == 1:
        return next(iter(viewports.values()))
    names = ", ".join(viewports) or "none"
    if camera is None:
        raise ValueError(f"it has viewports of {names}: say which by `camera`")
    if camera not in viewports:
        raise ValueError(f"it has no viewport of {camera!r} ({names})")
    return viewports[camera]
