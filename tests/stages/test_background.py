import numpy as np
import pytest

from livelens.stages.background import behind, composed

NOISE = np.random.default_rng(1).integers(0, 255, (90, 160, 3)).astype(np.uint8)
LEFT = np.zeros((10, 10), np.uint8)
LEFT[:, :5] = 255


def test_a_colour_stands_behind_the_person() -> None:
    make = behind("#102030")
    assert make is not None
    done = composed(NOISE, LEFT, make)
    assert np.array_equal(done[:, :60], NOISE[:, :60])
    assert (done[:, 100:] == (0x30, 0x20, 0x10)).all()


def test_the_edge_is_soft() -> None:
    make = behind("#000000")
    assert make is not None
    row = composed(np.full_like(NOISE, 200), LEFT, make)[45, :, 0].astype(int)
    assert (np.diff(row) <= 0).all()
    assert 0 < row[80] < 200


def test_blur_keeps_the_brightness_and_loses_the_detail() -> None:
    make = behind("blur")
    assert make is not None
    done = composed(NOISE, np.zeros((4, 4), np.uint8), make)
    assert done.std() < NOISE.std() / 3
    assert done.mean() == pytest.approx(NOISE.mean(), abs=3)


def test_none() -> None:
    assert behind("none") is None


@pytest.mark.parametrize("setting", ["", "red", "#12345", "#12345g", "blur "])
def test_what_is_no_background(setting: str) -> None:
    with pytest.raises(ValueError, match="none, blur or #rrggbb"):
        behind(setting)
