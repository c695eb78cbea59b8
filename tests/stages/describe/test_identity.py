"""Recognising who has been enrolled, in photographs and in a clip."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

import livelens
from livelens.crop import Crop
from livelens.descriptor import Reading
from livelens.errors import ConfigError
from livelens.faces import gallery
from livelens.faces.embedding import KIND
from livelens.faces.enroll import Enroller
from livelens.models import zoo
from livelens.stages.describe.identity import Identity, Recognition
from tests.faces.photographs import photograph

ANNA, BEN, STRANGER = 8, 10, 15


@pytest.fixture(scope="module")
def enroller() -> Iterator[Enroller]:
    one = Enroller(threads=1)
    yield one
    one.close()


@pytest.fixture
def file(tmp_path: Path, enroller: Enroller) -> Path:
    """A gallery of Anna and Ben."""
    path = tmp_path / "faces.json"
    for name, person in (("Anna", ANNA), ("Ben", BEN)):
        pictures = [enroller.embedding(photograph(person, n), "x") for n in (1, 2)]
        gallery.add(path, name, pictures, KIND)
    return path


@pytest.fixture
def recognition(file: Path) -> Iterator[Recognition]:
    one = Identity(gallery=str(file), threads=1).open()
    yield one
    one.close()


def crops(enroller: Enroller, *who: tuple[int, int]) -> list[Crop]:
    return [enroller.face(photograph(person, number), "x") for person, number in who]


def read(recognition: Recognition, faces: list[Crop]) -> list[Reading | None]:
    return [each.get("identity") for each in recognition.describe(faces)]


def names(recognition: Recognition, faces: list[Crop]) -> list[object]:
    return [each.value if each else None for each in read(recognition, faces)]


def test_other_photographs_of_those_enrolled_and_a_stranger(
    recognition: Recognition, enroller: Enroller
) -> None:
    faces = crops(enroller, (ANNA, 5), (STRANGER, 1), (BEN, 6), (ANNA, 9), (STRANGER, 2))
    assert names(recognition, faces) == ["Anna", "unknown", "Ben", "Anna", "unknown"]
    for reading in read(recognition, faces):
        assert reading is not None
        assert set(reading.scores) == {"Anna", "Ben", "unknown"}
        assert sum(reading.scores.values()) == pytest.approx(1)
        assert reading.score == max(reading.scores.values())


def test_the_threshold_decides(file: Path, enroller: Enroller) -> None:
    face = crops(enroller, (ANNA, 5))
    likeness = Identity(gallery=str(file), threads=1).open()
    (reading,) = read(likeness, face)
    assert reading is not None
    likeness.close()
    alike = reading.scores["Anna"]
    for threshold, name in ((alike - 0.02, "Anna"), (min(0.999, alike + 0.02), "unknown")):
        strict = Identity(gallery=str(file), threads=1, threshold=threshold).open()
        assert names(strict, face) == [name]
        strict.close()
    for wrong in (0.0, 1.0, -1.0):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"threshold": wrong}, Identity)


def test_who_is_enrolled_or_removed_while_it_runs(
    recognition: Recognition, enroller: Enroller, file: Path
) -> None:
    face = crops(enroller, (STRANGER, 1))
    anna = crops(enroller, (ANNA, 5))
    assert names(recognition, face) == ["unknown"]
    gallery.add(file, "Carl", [enroller.embedding(photograph(STRANGER, 3), "x")], KIND)
    assert names(recognition, face) == ["Carl"]
    gallery.remove(file, "Anna")
    assert names(recognition, anna) == ["unknown"]
    file.write_bytes(b"{ damaged")
    assert names(recognition, face) == ["unknown"]
    file.unlink()
    assert names(recognition, face) == ["unknown"]


def test_without_a_gallery_everybody_is_unknown(tmp_path: Path, enroller: Enroller) -> None:
    one = Identity(gallery=str(tmp_path / "faces.json"), threads=1).open()
    assert read(one, crops(enroller, (ANNA, 1))) == [Reading("unknown", 1.0, {"unknown": 1.0})]
    one.close()


def test_a_gallery_that_cannot_be_used_is_told_when_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    vector = np.ones(KIND.size, np.float32) / np.sqrt(KIND.size)
    gallery.add(path, "Anna", [vector], gallery.Kind("another/1", KIND.size))
    with pytest.raises(ConfigError, match=r"was made with another/1"):
        Identity(gallery=str(path)).open()
    path.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"faces\.json is no gallery, or is damaged"):
        Identity(gallery=str(path)).open()


def test_faces_that_cannot_be_told_are_left_out_and_the_order_stays(
    recognition: Recognition, enroller: Enroller
) -> None:
    small = np.asarray(cv2.resize(photograph(ANNA, 5), (23, 28)), np.uint8)
    keypoints = enroller.face(photograph(ANNA, 5), "x").keypoints
    assert keypoints is not None
    whole = crops(enroller, (ANNA, 5))[0]
    blind = Crop(whole.frame, whole.box)
    tiny = Crop(livelens.Frame.of(small), (0, 0, 23, 28), keypoints=keypoints * 0.25)
    lost = Crop(whole.frame, whole.box, keypoints=np.full((6, 2), np.nan, np.float32))
    flat = Crop(whole.frame, whole.box, keypoints=np.zeros((6, 2), np.float32))
    faces = [blind, whole, tiny, lost, flat, whole]
    assert names(recognition, faces) == [None, "Anna", None, None, None, "Anna"]
    assert recognition.describe([]) == []


def test_a_clip_end_to_end(tmp_path: Path, enroller: Enroller) -> None:
    clip = zoo.clip("faces")
    reader = cv2.VideoCapture(str(clip))
    reader.set(cv2.CAP_PROP_POS_FRAMES, 200)
    there, picture = reader.read()
    reader.release()
    assert there
    path = tmp_path / "faces.json"
    gallery.add(path, "Carla", [enroller.embedding(np.asarray(picture), "x")], KIND)
    stages = [
        livelens.Detect(model="face-blaze", threads=1),
        livelens.Track(),
        Identity(gallery=str(path), threads=1, refresh_s=0.5),
    ]
    told = []
    for item in livelens.run(str(clip), stages=stages):
        told += [attributes["identity"].value for attributes in item.attributes.values()]
        if item.frame.seq > 60:
            break
    assert told
    assert set(told) == {"Carla"}
