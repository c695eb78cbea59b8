"""Sequences of the MOTChallenge layout: their pictures as a source, their truth, their scores."""

import configparser
import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import supervision as sv
from platformdirs import user_cache_path

from livelens.bench.report import CannotMeasure, note
from livelens.clock import NS_PER_S, now_ns
from livelens.errors import SourceError
from livelens.picture import ArrayPicture
from livelens.sources.file import File
from livelens.spec import SourceSpec
from livelens.types import Captured

# The evaluation came into the library with a version whose requirements bring a GUI toolkit. It
# needs none of them, so it lies apart, without them, and runs in a process of its own.
_EVALUATION = ("trackers==2.6.1", "pydeprecate==0.14.0")
_SCRIPT = """
import json, sys
from trackers.eval import evaluate_mot_sequence
for truth, tracks in zip(sys.argv[1::2], sys.argv[2::2]):
    found = evaluate_mot_sequence(truth, tracks, metrics=["CLEAR", "HOTA", "Identity"])
    print(json.dumps({"hota": float(found.HOTA.HOTA), "mota": float(found.CLEAR.MOTA),
                      "idf1": float(found.Identity.IDF1), "id_switches": float(found.CLEAR.IDSW)}))
"""
_PEDESTRIANS_VIDEO = "vtest.avi"


@dataclass(frozen=True, slots=True)
class Filmed:
    """One sequence.

    Attributes:
        name: of its folder.
        folder: with `gt/gt.txt` and `seqinfo.ini`.
        source: its frames, the first one first.
        size_px: width and height.
        interval_ns: between two frames.
        frames: how many.
    """

    name: str
    folder: Path
    source: SourceSpec
    size_px: tuple[int, int]
    interval_ns: int
    frames: int


class Pictures(SourceSpec, frozen=True, kw_only=True):
    """The pictures of a folder in the order of their names, as fast as they are read."""

    folder: str
    fps: float

    @property
    def live(self) -> bool:
        return False

    @property
    def label(self) -> str:
        return self.folder

    def open(self) -> "PicturesSource":
        """Raises SourceError: no pictures are there."""
        files = sorted(p for p in Path(self.folder).iterdir() if p.suffix in {".jpg", ".png"})
        if not files:
            raise SourceError(f"{self.folder}: no pictures")
        return PicturesSource(files, round(NS_PER_S / self.fps))


class PicturesSource:
    """An opened `Pictures`."""

    def __init__(self, files: Sequence[Path], interval_ns: int) -> None:
        self._files = files
        self._interval_ns = interval_ns
        self._closed = False

    def frames(self) -> Iterator[Captured]:
        for number, file in enumerate(self._files):
            if self._closed:
                return
            image = cv2.imread(str(file))
            if image is None:
                raise SourceError(f"{file}: no picture")
            pixels = np.asarray(image, np.uint8)
            yield Captured(ArrayPicture(pixels), number * self._interval_ns, now_ns())

    def close(self) -> None:
        self._closed = True


def sequences(data: Path) -> list[Filmed]:
    """The sequences of a folder whose frames can be had.

    Raises:
        CannotMeasure: there is none.
    """
    found = []
    for folder in sorted((data / "tracking").glob("*")):
        if not (folder / "gt" / "gt.txt").is_file():
            continue
        source = _source(folder)
        if source is None:
            note(f"tracking: {folder.name} left out, its frames are not here")
            continue
        info = _info(folder)
        found.append(
            Filmed(
                folder.name,
                folder,
                source,
                (info.width_px, info.height_px),
                round(NS_PER_S / info.fps),
                info.frames,
            )
        )
    if not found:
        raise CannotMeasure(f"no sequences with gt/gt.txt and their frames in {data / 'tracking'}")
    return found


@dataclass(frozen=True, slots=True)
class _Info:
    """What `seqinfo.ini` says."""

    pictures: str
    fps: float
    frames: int
    width_px: int
    height_px: int


def _info(folder: Path) -> _Info:
    file = folder / "seqinfo.ini"
    parser = configparser.ConfigParser()
    try:
        parser.read(file, encoding="utf-8")
        told = parser["Sequence"]
        return _Info(
            told.get("imDir", "img1"),
            float(told["frameRate"]),
            int(told["seqLength"]),
            int(told["imWidth"]),
            int(told["imHeight"]),
        )
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise CannotMeasure(f"{file}: {error}") from None


def _source(folder: Path) -> SourceSpec | None:
    info = _info(folder)
    pictures = folder / info.pictures
    if pictures.is_dir():
        return Pictures(folder=str(pictures), fps=info.fps)
    videos = [p for p in sorted(folder.iterdir()) if p.suffix in {".avi", ".mp4"}]
    if not videos and folder.name.startswith("PETS09-S2L1"):
        videos = [path for path in (pedestrians_video(),) if path is not None]
    return File(path=str(videos[0])) if videos else None


def pedestrians_video() -> Path | None:
    """The frames of PETS09-S2L1, where Debian's package of OpenCV's samples put them."""
    dpkg = shutil.which("dpkg-query")
    if dpkg is None:
        return None
    listed = subprocess.run(
        [dpkg, "--listfiles", "opencv-doc"], capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        path = Path(line)
        if path.name == _PEDESTRIANS_VIDEO and path.is_file():
            return path
    return None


@dataclass(frozen=True, slots=True)
class Box:
    """One line of a MOT file.

    Attributes:
        track: its id; -1 in files of detections.
        xyxy: corners in pixels.
        score: as the file states it.
    """

    track: int
    xyxy: tuple[float, float, float, float]
    score: float


def boxes(file: Path, *, ignored: bool = False) -> dict[int, list[Box]]:
    """The boxes of a MOT file by frame, counted from 1.

    Args:
        ignored: also those that are to be ignored, since whoever is there can hardly be seen.

    Raises:
        CannotMeasure: it cannot be read.
    """
    by_frame: dict[int, list[Box]] = defaultdict(list)
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                x, y, width, height = map(float, row[2:6])
                score = float(row[6])
                # MOT16 and later tell the class, earlier ones a place in the world.
                pedestrian = len(row) != 9 or int(row[7]) == 1
                if (score != 0 or ignored) and pedestrian:
                    box = Box(int(float(row[1])), (x, y, x + width, y + height), score)
                    by_frame[int(row[0])].append(box)
    except (OSError, ValueError, IndexError) as error:
        raise CannotMeasure(f"{file}: {error}") from None
    return by_frame


def write_tracks(file: Path, tracks: dict[int, list[Box]]) -> None:
    """Write boxes with their tracks as the evaluation reads them."""
    with file.open("w", encoding="utf-8") as out:
        for frame, found in sorted(tracks.items()):
            for box in found:
                x, y, right, bottom = box.xyxy
                out.write(f"{frame},{box.track},{x:.2f},{y:.2f},{right - x:.2f},{bottom - y:.2f},")
                out.write(f"{box.score:.4f},1,1\n")


def tracked(found: sv.Detections | None, number: int, into: dict[int, list[Box]]) -> None:
    """Add the tracked boxes of a frame."""
    if found is None or found.tracker_id is None or found.confidence is None:
        return
    for corners, track, score in zip(
        found.xyxy.tolist(), found.tracker_id.tolist(), found.confidence.tolist(), strict=True
    ):
        if track >= 0:
            left, top, right, bottom = corners
            into[number].append(Box(track, (left, top, right, bottom), score))


def scores(pairs: Sequence[tuple[Path, Path]]) -> list[dict[str, float]]:
    """`hota`, `mota`, `idf1` (0..1) and `id_switches` of each pair of a truth and tracks.

    Args:
        pairs: files by `write_tracks`.

    Raises:
        CannotMeasure: the evaluation cannot be installed, or fails.
    """
    files = [str(path) for pair in pairs for path in pair]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *files],
        env={"PYTHONPATH": str(_evaluation()), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotMeasure(f"the evaluation of tracks fails: {_last_line(done.stderr)}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _evaluation() -> Path:
    folder = user_cache_path("livelens") / "bench" / _EVALUATION[0].replace("==", "-")
    complete = folder / "complete"
    if complete.is_file():
        return folder
    note(f"installing {_EVALUATION[0]}, for its evaluation, into {folder}")
    into = ("--no-deps", "--upgrade", "--target", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *into, *_EVALUATION],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotMeasure(f"{_EVALUATION[0]} cannot be installed: {_last_line(done.stderr)}")
    complete.touch()
    return folder


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"
