"""Whether heads are seen turned the way that they are, on pictures named after it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from livelens.bench.perception.gender_age import face_in
from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.picture import Pixels
from livelens.stages.describe.head_pose import HeadPose, HeadPoseDescriptor

BARS = (
    ("pose/pose/signs", 1.0, "higher"),
    ("pose/frontal/yaw_frontal_deg", 8.0, "lower"),
    ("pose/frontal/pitch_frontal_deg", 8.0, "lower"),
)

Angles = Mapping[str, float]

# By a part of the file's name, the first that occurs; left and right are those of the picture.
_EXPECTED: tuple[tuple[str, Callable[[Angles], bool]], ...] = (
    ("wryneck", lambda told: told["roll"] < -30 or told["roll"] > 25),
    ("tilt", lambda told: told["roll"] < -30 or told["roll"] > 25),
    ("rise", lambda told: told["pitch"] > 3),
    ("up", lambda told: told["pitch"] > 3),
    ("lower", lambda told: told["pitch"] < -10),
    ("down", lambda told: told["pitch"] < -10),
    ("left", lambda told: told["yaw"] < -10),
    ("right", lambda told: told["yaw"] > 10),
)
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_CLIP, _EVERY = "single_face.mp4", 12


def measure(data: Path) -> Iterator[Row]:
    """Signs on ``faces/pose``; angles of frontal faces.

    Frontal are the pictures there with "front" in their names, and a clip of the zoo in which
    one person faces the camera: the largest angle of any picture is told.
    """
    folder = data / "faces" / "pose"
    paths = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in _SUFFIXES]
    cases = [(path, _expectation(path.stem.lower())) for path in paths]
    detector, descriptor = zoo.load("face"), HeadPose().open()
    try:
        signs = [
            right(angles_of(_read(path), detector, descriptor))
            for path, right in cases
            if right is not None
        ]
        if not signs:
            raise CannotMeasure(f"no pictures named left, right, rise, lower or tilt in {folder}")
        yield _row("pose", "signs", sum(signs) / len(signs), len(signs))
        frontal = [_read(path) for path in paths if "front" in path.stem.lower()]
        frontal += _frames(zoo.clip("faces").with_name(_CLIP))
        told = [angles_of(picture, detector, descriptor) for picture in frontal]
        for name in ("yaw", "pitch"):
            largest = float(np.max([abs(angles[name]) for angles in told]))
            yield _row("frontal", f"{name}_frontal_deg", largest, len(told))
    finally:
        detector.close()
        descriptor.close()


def _expectation(name: str) -> Callable[[Angles], bool] | None:
    return next((right for part, right in _EXPECTED if part in name), None)


def angles_of(picture: Pixels, detector: Detector, descriptor: HeadPoseDescriptor) -> Angles:
    """Yaw, pitch and roll of the best face; not a number where no face is seen."""
    (told,) = descriptor.describe([face_in(detector, picture)])
    values = {name: told[name].value if name in told else np.nan for name in HeadPose.measures}
    return {
        name: float(value) if isinstance(value, int | float) else np.nan
        for name, value in values.items()
    }


def _row(dataset: str, metric: str, value: float, n: int) -> Row:
    return {"task": "pose", "dataset": dataset, "metric": metric, "value": value, "n": n}


def _frames(clip: Path) -> Sequence[Pixels]:
    with av.open(str(clip)) as container:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for index, frame in enumerate(container.decode(video=0))
            if index % _EVERY == 0
        ]


def _read(path: Path) -> Pixels:
    picture = cv2.imread(str(path))
    if picture is None:
        raise CannotMeasure(f"{path} is no picture")
    return np.asarray(picture, np.uint8)
