"""What the descriptor tells of pictures whose answer is known."""

import cv2
import numpy as np
import pytest
from livelens import Crop, Frame
from livelens.models import zoo
from livelens.picture import Pixels

from onnx_sharpness import CARD, Sharpness

if CARD.name not in {each.card.name for each in zoo.list_models()}:
    pytest.skip("not installed: pip install -e .", allow_module_level=True)


def crop(picture: Pixels) -> Crop:
    return Crop(Frame.of(picture), (0.0, 0.0, 96.0, 96.0), "person")


def test_a_picture_is_sharper_than_its_blurred_copy_and_in_order() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    worker = Sharpness().open()
    sharp, blurred = worker.describe([crop(noise), crop(np.asarray(soft, np.uint8))])
    worker.close()
    energies = [each["sharpness"].value for each in (sharp, blurred)]
    assert all(isinstance(energy, float) for energy in energies)
    assert np.divide(*np.array(energies, float)) > 5
    assert not sharp["blurred"].value
    assert blurred["blurred"].value


def test_the_model_computes_what_it_says() -> None:
    """A board of single black and white pixels has a Laplacian of 1 everywhere."""
    board = (np.indices((96, 96)).sum(axis=0) % 2 * 255).astype(np.uint8)
    (told,) = Sharpness().open().describe([crop(np.repeat(board[:, :, None], 3, axis=2))])
    assert told["sharpness"].value == pytest.approx(1.0, abs=0.01)
