"""Which photographs serve, and why the others do not."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from livelens.errors import PictureError
from livelens.faces import picture
from livelens.faces.embedding import KIND, Embedder, evidence, likeness
from livelens.faces.enroll import Enroller
from livelens.picture import Pixels

from .photographs import photograph, several_faces


@pytest.fixture(scope="module")
def enroller() -> Iterator[Enroller]:
    one = Enroller(threads=1)
    yield one
    one.close()


def test_photographs_of_one_person_are_alike_and_of_two_are_not(enroller: Enroller) -> None:
    people = [
        [enroller.embedding(photograph(person, n), "x") for n in (1, 5, 8)]
        for person in (8, 10, 15, 35)
    ]
    for index, mine in enumerate(people):
        others = [each for other in people[:index] + people[index + 1 :] for each in other]
        assert min(likeness(float(mine[0] @ each)) for each in mine[1:]) > 0.5
        assert max(likeness(float(mine[0] @ each)) for each in others) < 0.5


def test_an_embedding_is_of_length_one_and_of_its_kind(enroller: Enroller) -> None:
    embedding = enroller.embedding(photograph(8, 1), "x")
    assert embedding.shape == (KIND.size,)
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)


def test_the_size_of_the_picture_hardly_matters(enroller: Enroller) -> None:
    small = photograph(15, 3)
    large = np.asarray(cv2.resize(small, None, fx=4, fy=4), np.uint8)
    alike = enroller.embedding(small, "x") @ enroller.embedding(large, "x")
    assert likeness(float(alike)) > 0.9


def test_no_face(enroller: Enroller) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    for nothing in (noise, np.zeros((64, 64, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        with pytest.raises(PictureError, match="no face in wall: use a picture that shows it"):
            enroller.embedding(nothing, "wall")


def test_several_faces(enroller: Enroller) -> None:
    group = picture.load(several_faces())
    with pytest.raises(PictureError, match=r"^5 faces in party: crop to one$"):
        enroller.embedding(group, "party")
    pair = np.hstack([photograph(8, 1), photograph(10, 1)])
    with pytest.raises(PictureError, match=r"^2 faces in pair: crop to one$"):
        enroller.embedding(pair, "pair")


def test_a_face_that_is_found_twice_is_one(enroller: Enroller) -> None:
    enroller.embedding(photograph(35, 5), "x")


def test_somebody_far_behind_does_not_count(enroller: Enroller) -> None:
    front = np.asarray(cv2.resize(photograph(8, 1), None, fx=5, fy=5), np.uint8)
    behind = photograph(10, 1)
    scene = np.full((front.shape[0], front.shape[1] + 150, 3), 60, np.uint8)
    scene[:, : front.shape[1]] = front
    scene[20 : 20 + behind.shape[0], front.shape[1] + 20 : front.shape[1] + 112] = behind
    enroller.embedding(scene, "x")


def blurred(image: Pixels) -> Pixels:
    large = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 7), np.uint8)


def test_too_small_and_too_blurred(enroller: Enroller) -> None:
    face = photograph(15, 1)
    tiny = np.asarray(cv2.resize(face, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    scene = np.full((240, 240, 3), 90, np.uint8)
    scene[100 : 100 + tiny.shape[0], 100 : 100 + tiny.shape[1]] = tiny
    with pytest.raises(PictureError, match=r"face in far is too small: its eyes are 1\d pixels"):
        enroller.embedding(scene, "far")
    with pytest.raises(PictureError, match="the face in fog is too blurred"):
        enroller.embedding(blurred(face), "fog")


def test_a_face_without_keypoints_is_refused(enroller: Enroller) -> None:
    crop = replace(enroller.face(photograph(8, 1), "x"), keypoints=None)
    embedder = Embedder(threads=1)
    with pytest.raises(ValueError, match="without keypoints"):
        embedder([crop])
    assert embedder([]).shape == (0, KIND.size)
    embedder.close()


def test_evidence_is_nought_at_the_threshold_and_grows_with_likeness() -> None:
    assert likeness(0.875) == pytest.approx(0.5)
    assert evidence(0.875) == pytest.approx(0)
    for threshold in (0.2, 0.5, 0.9):
        cosine = next(c for c in np.linspace(0.7, 1, 3001) if likeness(c) >= threshold)
        assert evidence(cosine, threshold) == pytest.approx(0, abs=0.02)
        assert evidence(cosine + 0.01, threshold) > evidence(cosine, threshold)
