"""Objects cut out of frames."""

import numpy as np
import pytest

from livelens.crop import Crop
from livelens.types import Frame


def frame(width: int = 200, height: int = 100) -> Frame:
    """Red grows to the right, green downwards; blue is constant."""
    y, x = np.mgrid[0:height, 0:width]
    bgr = np.stack([np.full_like(x, 7), y, x], axis=-1).astype(np.uint8)
    return Frame.of(bgr)


def test_the_image_is_the_box_in_rgb() -> None:
    image = Crop(frame(), (10, 20, 30, 60)).image()
    assert image.shape == (40, 20, 3)
    assert image[0, 0].tolist() == [10, 20, 7]
    assert image[-1, -1].tolist() == [29, 59, 7]


def test_a_margin_grows_every_side_and_ends_at_the_frame() -> None:
    image = Crop(frame(), (0, 20, 20, 60)).image(margin=0.5)
    assert image.shape == (80, 40, 3)
    assert image[0, 0].tolist() == [0, 0, 7]


@pytest.mark.parametrize("side", [20, 7, 64])
def test_resized_keeps_every_place_where_it_was(side: int) -> None:
    image = Crop(frame(), (40, 30, 60, 50)).resized(side, side).astype(float)
    step = 20 / side
    expected = 40 + (np.arange(side) + 0.5) * step - 0.5
    assert np.abs(image[side // 2, :, 0] - expected)[1:-1].max() <= 1.0


def test_square_pads_with_the_edge_of_the_frame() -> None:
    image = Crop(frame(), (150, 0, 200, 100)).resized(100, 100, square=True)
    assert image[50, 0, 0] == pytest.approx(125, abs=1)
    assert image[50, -1, 0] == 199, "beyond the frame its edge goes on"
    assert set(image[50, 80:, 0].tolist()) == {199}


def test_a_large_box_is_averaged_not_sampled() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    small = Crop(Frame.of(stripes), (0, 0, 512, 512)).resized(32, 32)
    assert np.abs(small.astype(int) - 127).max() <= 2


def test_warped_follows_its_matrix_also_when_it_shrinks() -> None:
    turn = np.array([[0.0, 0.25, 0.0], [-0.25, 0.0, 50.0]])  # a quarter turn, four times smaller
    image = Crop(frame(), (0, 0, 200, 100)).warped(turn, 25, 50)
    assert image[49, 0].tolist() == pytest.approx([4, 0, 7], abs=4)
    assert image[1, 24].tolist() == pytest.approx([196, 96, 7], abs=4)
