"""Training pictures."""

import numpy as np
import pytest

from livelens.models import zoo
from livelens.stages.describe.glasses import BAND_PX, band_of
from livelens.train.eyewear import Head
from livelens.train.samples import LABELS, Portrait, degraded, make_samples, sample
from tests.train.test_eyewear import face, mesh

EYES = np.array([[110, 100], [210, 100], [160, 150], [160, 205]])


def portrait(label: int = 0) -> Portrait:
    return Portrait(face(), band_of(EYES), Head.from_mesh(mesh()), label)


def test_samples_have_the_size_that_the_network_takes() -> None:
    picture = sample(portrait(), 1, np.random.default_rng(0))
    assert picture.dtype == np.uint8
    assert picture.shape == (BAND_PX[1], BAND_PX[0], 3)
    assert zoo.model_card("glasses").labels == LABELS


def test_glasses_cannot_be_taken_off() -> None:
    with pytest.raises(ValueError, match="a portrait of glasses cannot show none"):
        sample(portrait(1), 0, np.random.default_rng(0))


def test_real_glasses_get_no_second_pair() -> None:
    random = [np.random.default_rng(3) for _ in range(2)]
    bare, real = sample(portrait(0), 0, random[0]), sample(portrait(1), 1, random[1])
    assert (bare == real).all()


def test_labels_come_in_their_shares_and_show_what_they_say() -> None:
    told: list[tuple[str, int, int]] = []
    pictures, labels = make_samples([portrait()], 300, 0, lambda *step: told.append(step))
    assert pictures.shape == (300, BAND_PX[1], BAND_PX[0], 3)
    assert np.bincount(labels, minlength=3) / 300 == pytest.approx([0.44, 0.36, 0.20], abs=0.08)
    # Where the eyes are, sunglasses are darker than what is above them.
    eyes = pictures[:, 22:30, 33:39].mean(axis=(1, 2, 3)) / pictures[:, :6].mean(axis=(1, 2, 3))
    assert np.median(eyes[labels == 2]) < 0.8 * np.median(eyes[labels == 0])
    assert told[0] == ("pictures made", 0, 300)


def test_portraits_of_real_glasses_are_used() -> None:
    green = Portrait(np.full_like(face(), (0, 255, 0)), band_of(EYES), Head.from_mesh(mesh()), 1)
    pictures, labels = make_samples([portrait(), green], 200, 0, lambda *_: None)
    middle = pictures.mean(axis=(1, 2))
    is_green = middle[:, 1] > middle[:, [0, 2]].max(axis=1) + 25
    # A fifth of 72 pictures with glasses; lenses and bad cameras make few others green.
    assert 6 <= is_green[labels == 1].sum() <= 30
    assert is_green[labels != 1].sum() <= 3


@pytest.mark.parametrize("seed", range(20))
def test_bad_cameras_change_pictures_not_their_size(seed: int) -> None:
    picture = np.random.default_rng(9).integers(0, 255, (56, 112, 3), np.uint8)
    worse = degraded(picture, np.random.default_rng(seed))
    assert worse.shape == picture.shape
    assert worse.dtype == np.uint8
    assert (worse != picture).any()
