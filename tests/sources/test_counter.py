import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelens.picture import Pixels
from livelens.sources.counter import COUNTER_LIMIT, draw_counter, read_counter


def grey(width: int = 320, height: int = 288) -> Pixels:
    return np.full((height, width, 3), 128, np.uint8)


@given(st.integers(0, COUNTER_LIMIT - 1))
def test_reads_what_was_drawn(number: int) -> None:
    image = grey()
    draw_counter(image, number)
    assert read_counter(image) == number
    assert read_counter(image[:, :, 1]) == number


def test_counts_on_from_zero_at_the_limit() -> None:
    image = grey()
    draw_counter(image, COUNTER_LIMIT + 7)
    assert read_counter(image) == 7


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_plain_picture_has_no_number(value: int) -> None:
    assert read_counter(np.full((288, 320, 3), value, np.uint8)) is None


def test_a_tiny_picture_has_no_number() -> None:
    assert read_counter(grey(16, 16)) is None


@given(st.integers(0, COUNTER_LIMIT - 1), st.integers(0, 1), st.integers(0, 17))
def test_one_wrong_cell_is_noticed(number: int, row: int, column: int) -> None:
    image = grey()
    draw_counter(image, number)
    top, left = row * 288 // 18, column * 320 // 18
    cell = image[top : top + 16, left : left + 18]
    cell[:] = 255 - cell
    assert read_counter(image) is None


def test_a_torn_picture_is_noticed() -> None:
    upper, lower = grey(), grey()
    draw_counter(upper, 0x012345)
    draw_counter(lower, 0x012445)
    upper[16:] = lower[16:]
    assert read_counter(upper) is None


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (322, 290), (1920, 1080)])
def test_survives_scaling_and_jpeg(size: tuple[int, int]) -> None:
    image = grey(1280, 720)
    draw_counter(image, 0xABCDE5)
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    coded = cv2.imdecode(cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], 1)
    assert read_counter(np.asarray(coded, np.uint8)) == 0xABCDE5
