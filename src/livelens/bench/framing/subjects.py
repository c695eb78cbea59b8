"""Subjects to be framed: where somebody is in each frame of a clip, by its ground truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livelens.bench.perception.sequences import Box, Pictures, boxes, sequences
from livelens.bench.report import CannotMeasure, note
from livelens.clock import NS_PER_S
from livelens.spec import SourceSpec

Array = NDArray[np.float64]

# The sequences of the object tracking benchmark tell no frame rate.
_OTB_FPS = 25.0
# Whoever is there for less than this has no path to be judged.
LEAST_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Clip:
    """A video with its subjects.

    Attributes:
        name: of its folder.
        source: its frames, the first one first.
        size_px: width and height.
        interval_ns: between two frames.
        model: of the zoo, whose boxes are of the kind that the ground truth shows.
    """

    name: str
    source: SourceSpec
    size_px: tuple[int, int]
    interval_ns: int
    model: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of a clip, from its first frame to its last.

    Attributes:
        clip: the clip's name.
        name: which one.
        size_px: of the picture.
        frames: numbers of the frames, counted from 0, without gaps.
        times_ns: of the frames.
        truth: (n, 4) corners in pixels, within the picture; NaN where it is not known.
        seen: the same as a camera gets to know them.
    """

    clip: str
    name: str
    size_px: tuple[int, int]
    frames: NDArray[np.int64]
    times_ns: NDArray[np.int64]
    truth: Array
    seen: Array

    def beginning(self, frames: int) -> "Subject":
        """Its first frames."""
        return replace(
            self,
            frames=self.frames[:frames],
            times_ns=self.times_ns[:frames],
            truth=self.truth[:frames],
            seen=self.seen[:frames],
        )


def clips(data: Path) -> Iterator[tuple[Clip, list[Subject]]]:
    """Every clip of a folder with all who are in it long enough.

    What is not there is said in a line.
    """
    for folder in sorted((data / "framing").glob("*")):
        if (folder / "groundtruth_rect.txt").is_file():
            yield _single(folder)
    try:
        filmed = sequences(data)
    except CannotMeasure as error:
        note(f"framing: no persons: {error}")
        return
    for sequence in filmed:
        clip = Clip(
            sequence.name, sequence.source, sequence.size_px, sequence.interval_ns, "centernet"
        )
        truth = boxes(sequence.folder / "gt" / "gt.txt", ignored=True)
        yield clip, persons(clip, truth)


def _single(folder: Path) -> tuple[Clip, list[Subject]]:
    """A sequence of the object tracking benchmark: one subject, in every frame.

    Raises:
        CannotMeasure: a file cannot be read.
    """
    pictures = Pictures(folder=str(folder / "img"), fps=_OTB_FPS)
    opened = pictures.open()
    first = next(opened.frames())
    opened.close()
    size_px = first.picture.width, first.picture.height
    file = folder / "groundtruth_rect.txt"
    try:
        corners = np.array(
            [
                [float(part) for part in line.replace(",", " ").split()]
                for line in file.read_text(encoding="utf-8").splitlines()
                if line.strip()
            ]
        )
    except (OSError, ValueError) as error:
        raise CannotMeasure(f"{file}: {error}") from None
    if corners.ndim != 2 or corners.shape[1] != 4:
        raise CannotMeasure(f"{file}: a line must hold x, y, width and height")
    corners[:, 2:] += corners[:, :2]
    # Heads of persons: what the detector of faces finds.
    clip = Clip(folder.name, pictures, size_px, round(NS_PER_S / _OTB_FPS), "face")
    frames = np.arange(len(corners))
    return clip, [subject(clip, folder.name, frames, corners)]


def persons(clip: Clip, truth: dict[int, list[Box]]) -> list[Subject]:
    """Everybody who is there long enough.

    Args:
        truth: boxes by frame, counted from 1.
    """
    by_track: dict[int, list[tuple[int, tuple[float, float, float, float]]]] = {}
    for number in sorted(truth):
        for box in truth[number]:
            by_track.setdefault(box.track, []).append((number - 1, box.xyxy))
    found = []
    for track, places in sorted(by_track.items()):
        if len(places) >= LEAST_FRAMES:
            frames = np.array([number for number, _ in places])
            corners = np.array([box for _, box in places])
            found.append(subject(clip, f"person {track}", frames, corners))
    return found


def subject(clip: Clip, name: str, frames: NDArray[np.int64], corners: Array) -> Subject:
    """A subject whose place in some frames is known.

    Args:
        frames: their numbers, growing, counted from 0.
        corners: (n, 4) of its box in each, in pixels.
    """
    whole = np.arange(frames[0], frames[-1] + 1)
    truth = np.full((len(whole), 4), np.nan)
    # What is outside the picture cannot be shown by any camera.
    limits = np.array([*clip.size_px, *clip.size_px], dtype=float)
    truth[frames - frames[0]] = np.clip(corners, 0.0, limits)
    return Subject(clip.name, name, clip.size_px, whole, whole * clip.interval_ns, truth, truth)
