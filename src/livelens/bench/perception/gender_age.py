"""How well ages and genders are guessed, on aligned crops that carry both in their names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from livelens.bench.report import CannotMeasure
from livelens.bench.stats import Row
from livelens.crop import Crop
from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.picture import Pixels
from livelens.stages.describe.age_gender import AgeGender
from livelens.types import Frame

BARS = (
    ("gender/age_gender/accuracy_12_80", 0.93, "higher"),
    ("age/age_gender/mae_18_70", 7, "lower"),
)

# age_gender_…, gender 0 male, 1 female.
_NAME = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_")
_GENDERS = ("male", "female")
_BANDS = ((0, 11), (12, 17), (18, 29), (30, 44), (45, 59), (60, 80), (81, 120))


@dataclass(frozen=True, slots=True)
class Case:
    """A person and what was told of them; None where nothing was told."""

    age: int
    gender: str
    told_age: float | None
    told_gender: str | None


def measure(data: Path) -> Iterator[Row]:
    """Share of right genders, mean absolute error of ages; faces not described are no hits."""
    folder = data / "faces" / "age_gender"
    paths = [path for path in sorted(folder.glob("*.jpg")) if _NAME.match(path.name)]
    if not paths:
        raise CannotMeasure(f"no pictures named AGE_GENDER_… in {folder}")
    cases = _cases(paths)
    yield from gender_rows(cases)
    yield from age_rows(cases)


def gender_rows(cases: list[Case]) -> Iterator[Row]:
    """Shares of right genders: 12 to 80 years, all, by gender, by age."""
    bands = [(f"accuracy_{low}_{high}", low, high) for low, high in ((12, 80), (0, 120), *_BANDS)]
    for metric, low, high in bands:
        chosen = [case for case in cases if low <= case.age <= high]
        if chosen:
            yield _row("gender", metric, _right(chosen), len(chosen))
    for gender in _GENDERS:
        chosen = [case for case in cases if case.gender == gender and 12 <= case.age <= 80]
        if chosen:
            yield _row("gender", f"accuracy_12_80_{gender}", _right(chosen), len(chosen))


def age_rows(cases: list[Case]) -> Iterator[Row]:
    """Mean absolute errors: 18 to 70 years, all, by age; the mean error; how many were told."""
    for low, high in ((18, 70), (0, 120), *_BANDS):
        chosen = [case for case in cases if low <= case.age <= high]
        errors = [case.told_age - case.age for case in chosen if case.told_age is not None]
        if not errors:
            continue
        ages = "all" if (low, high) == (0, 120) else f"{low}_{high}"
        yield _row("age", f"mae_{ages}", float(np.abs(errors).mean()), len(errors))
        if (low, high) == (18, 70):
            yield _row("age", f"bias_{low}_{high}", float(np.mean(errors)), len(errors))
    told = [case for case in cases if case.told_age is not None]
    yield _row("age", "told", len(told) / len(cases), len(cases))


def _right(cases: list[Case]) -> float:
    return sum(case.told_gender == case.gender for case in cases) / len(cases)


def _row(task: str, metric: str, value: float, n: int) -> Row:
    return {"task": task, "dataset": "age_gender", "metric": metric, "value": value, "n": n}


def _cases(paths: list[Path]) -> list[Case]:
    detector, descriptor = zoo.load("face"), AgeGender().open()
    cases = []
    try:
        for path in paths:
            named = _NAME.match(path.name)
            assert named is not None
            (told,) = descriptor.describe([face_in(detector, _read(path))])
            age = told["age"].value if "age" in told else None
            gender = told["gender"].value if "gender" in told else None
            cases.append(
                Case(
                    int(named["age"]),
                    _GENDERS[int(named["gender"])],
                    float(age) if isinstance(age, int | float) else None,
                    gender if isinstance(gender, str) else None,
                )
            )
    finally:
        detector.close()
        descriptor.close()
    return cases


def face_in(detector: Detector, picture: Pixels) -> Crop:
    """The best face of a BGR picture; the whole picture where the detector finds none."""
    frame = Frame.of(picture)
    found = detector([np.ascontiguousarray(picture[:, :, ::-1])])[0]
    if not len(found):
        width, height = frame.size_px
        return Crop(frame, (0.0, 0.0, float(width), float(height)), "face")
    left, top, right, bottom = map(float, found.xyxy[0])
    points = np.asarray(found.data["keypoints"][0], np.float32)
    return Crop(frame, (left, top, right, bottom), "face", keypoints=points)


def _read(path: Path) -> Pixels:
    picture = cv2.imread(str(path))
    if picture is None:
        raise CannotMeasure(f"{path} is no picture")
    return np.asarray(picture, np.uint8)
