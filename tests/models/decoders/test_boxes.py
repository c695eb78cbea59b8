import numpy as np
import pytest

from livelens.models.decoders.boxes import Thresholds, best_class

SCORES = np.array([[0.1, 0.9, 0.4], [0.05, 0.1, 0.2], [0.6, 0.0, 0.5]], np.float32)


def test_the_best_class_of_each_row_that_is_sure_enough() -> None:
    rows, classes = best_class(SCORES, Thresholds(0.3))
    assert rows.tolist() == [0, 2]
    assert classes.tolist() == [1, 0]


def test_only_the_classes_that_are_asked_for_compete() -> None:
    rows, classes = best_class(SCORES, Thresholds(0.3, classes=(0, 2)))
    assert rows.tolist() == [0, 2]
    assert classes.tolist() == [2, 0]


@pytest.mark.parametrize("classes", [(), (1,)])
def test_nothing_is_found_when_no_class_asked_for_is_sure_enough(classes: tuple[int, ...]) -> None:
    rows, found = best_class(SCORES[1:], Thresholds(0.3, classes=classes))
    assert rows.tolist() == []
    assert found.tolist() == []
    assert found.dtype == np.int64
    assert best_class(SCORES[:0], Thresholds(0.3, classes=classes))[0].tolist() == []
