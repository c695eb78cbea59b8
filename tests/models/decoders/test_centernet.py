import numpy as np
import pytest
from numpy.typing import NDArray

from livelens.errors import ModelError
from livelens.models.decoders.boxes import Thresholds
from livelens.models.decoders.centernet import decode
from livelens.models.preprocess import Placement

LABELS = ("person", "car", "bus")
# An input of 64×64 that a frame of 128×64 is stretched into.
PLACE = Placement(2.0, 1.0, 0, 0, frame_px=(128, 64), input_px=(64, 64))


def heads(
    *objects: tuple[int, int, int, float],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Heat of (row, column, class, score) on 16×16 cells, and boxes 8 px to every side."""
    heat = np.full((1, 16, 16, len(LABELS)), 0.01, np.float32)
    for row, column, class_id, score in objects:
        heat[0, row, column, class_id] = score
    return heat, np.full((1, 16, 16, 4), 8.0, np.float32)


def test_a_peak_is_an_object_with_its_sides_around_the_cell() -> None:
    (found,) = decode(heads((5, 7, 1, 0.8)), [PLACE], LABELS, Thresholds(0.3))
    assert found.data["class_name"].tolist() == ["car"]  # type: ignore[union-attr]
    assert found.confidence == pytest.approx([0.8])
    # Cell 7, 5 of 4 px is at 28, 20; the frame is twice as wide as the input.
    assert found.xyxy[0] == pytest.approx([40, 12, 72, 28])


def test_the_slopes_of_a_peak_are_no_objects_and_the_order_of_outputs_does_not_matter() -> None:
    heat, sides = heads((5, 7, 0, 0.9), (5, 8, 0, 0.7), (4, 7, 0, 0.6), (12, 2, 0, 0.5))
    (found,) = decode([sides, heat], [PLACE], LABELS, Thresholds(0.3, iou=0.99))
    assert found.confidence == pytest.approx([0.9, 0.5])


def test_only_the_classes_asked_for_compete() -> None:
    outputs = heads((5, 7, 0, 0.9), (5, 7, 1, 0.4))
    (found,) = decode(outputs, [PLACE], LABELS, Thresholds(0.3))
    assert found.class_id is not None
    assert found.class_id.tolist() == [0]
    (found,) = decode(outputs, [PLACE], LABELS, Thresholds(0.3, classes=(1, 2)))
    assert found.class_id is not None
    assert found.class_id.tolist() == [1]
    (found,) = decode(outputs, [PLACE], LABELS, Thresholds(0.3, classes=(2,)))
    assert len(found) == 0


def test_outputs_that_do_not_fit_are_refused() -> None:
    heat, sides = heads()
    for outputs in ([heat], [heat, sides[:, :8]], [heat[..., :2], sides]):
        with pytest.raises(ModelError, match="decoder centernet needs heat"):
            decode(outputs, [PLACE], LABELS, Thresholds(0.3))
