"""Pictures to tensors, and where the frame lies in them."""

from typing import Literal

import numpy as np
import pytest

from livelens.models.manifest import Preprocess
from livelens.models.preprocess import placement, resize, resized_px, tensor

RED = np.zeros((4, 8, 3), np.uint8)
RED[..., 0] = 255


def test_stretch_fills_the_input() -> None:
    rule = Preprocess(6, 6)
    assert resized_px(rule, (8, 4)) == (6, 6)
    place = placement(rule, (8, 4))
    assert (place.left_px, place.top_px) == (0, 0)
    assert (place.scale_x, place.scale_y) == (8 / 6, 4 / 6)


@pytest.mark.parametrize(
    ("fit", "frame", "size", "corner"),
    [
        ("letterbox", (1280, 720), (640, 360), (0, 140)),
        ("letterbox", (720, 1280), (360, 640), (140, 0)),
        ("letterbox-corner", (1280, 720), (640, 360), (0, 0)),
        ("letterbox", (320, 320), (640, 640), (0, 0)),
        ("letterbox", (10_000, 3), (640, 1), (0, 319)),
    ],
)
def test_letterbox_keeps_the_aspect_ratio(
    fit: str, frame: tuple[int, int], size: tuple[int, int], corner: tuple[int, int]
) -> None:
    rule = Preprocess(640, 640, fit=fit)  # type: ignore[arg-type]
    place = placement(rule, frame)
    assert resized_px(rule, frame) == size
    assert (place.left_px, place.top_px) == corner
    assert place.scale_x * size[0] == pytest.approx(frame[0])
    assert place.scale_y * size[1] == pytest.approx(frame[1])


def test_padding_colour_order_and_normalisation() -> None:
    rule = Preprocess(
        8, 8, color="bgr", fit="letterbox", pad_value=100, mean=(1, 2, 3), std=(2, 4, 8)
    )
    place = placement(rule, (8, 4))
    out = tensor(rule, [RED, RED], [place, place])
    assert out.shape == (2, 3, 8, 8)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[1, :, 0, 0], [99 / 2, 98 / 4, 97 / 8])
    np.testing.assert_allclose(out[1, :, 2, 0], [-1 / 2, -2 / 4, 252 / 8])
    np.testing.assert_allclose(out[1, :, 5, 7], [-1 / 2, -2 / 4, 252 / 8])
    np.testing.assert_allclose(out[1, :, 6, 7], [99 / 2, 98 / 4, 97 / 8])


@pytest.mark.parametrize("count", [1, 3])
def test_bytes_are_fed_as_they_are(count: int) -> None:
    rule = Preprocess(8, 4, layout="nhwc", dtype="uint8", mean=(9, 9, 9))
    out = tensor(rule, [RED] * count, [placement(rule, (8, 4))] * count)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(out, np.stack([RED] * count))


def test_resize_of_the_right_size_copies_nothing() -> None:
    assert resize(Preprocess(8, 4), RED) is RED
    assert resize(Preprocess(2, 2), RED).shape == (2, 2, 3)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_grey_is_one_channel_of_brightness(layout: Literal["nchw", "nhwc"]) -> None:
    rule = Preprocess(8, 4, color="grey", layout=layout, mean=(6, 0, 0), std=(2, 1, 1))
    out = tensor(rule, [RED, RED], [placement(rule, (8, 4))] * 2)
    assert out.shape == ((2, 1, 4, 8) if layout == "nchw" else (2, 4, 8, 1))
    # BT.601: red has 0.299 of the brightness.
    np.testing.assert_allclose(out, (np.rint(0.299 * RED[0, 0, 0]) - 6) / 2, atol=0.51)
