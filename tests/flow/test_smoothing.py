"""Many readings, one value."""

import pytest

from livelens.flow.smoothing import Weighed, smoothed
from livelens.types import Attribute, AttributeValue


def read(
    value: AttributeValue,
    score: float = 1.0,
    pts_ns: int = 0,
    quality: float = 1.0,
    scores: dict[str, float] | None = None,
) -> Weighed:
    return Weighed(Attribute(value, score, pts_ns, scores or {}), quality)


def test_numbers_are_averaged_by_weight_and_dated_by_the_latest() -> None:
    told = smoothed([read(20.0, 0.5, 1), read(40.0, 1.0, 2, quality=0.5), read(30.0, 1.0, 3)])
    assert told.value == pytest.approx((20 * 0.5 + 40 * 0.5 + 30) / 2)
    assert told.pts_ns == 3


def test_whole_numbers_stay_whole() -> None:
    assert smoothed([read(1), read(2), read(2)]).value == 2


def test_words_are_voted_for() -> None:
    told = smoothed([read("cat", 0.9, 1), read("dog", 0.6, 2), read("cat", 0.8, 3)])
    assert told.value == "cat"
    assert told.score == pytest.approx((0.81 + 0.64) / 1.7 * (1.7 / 2.3))


def test_a_single_reading_without_any_score_is_still_told() -> None:
    assert smoothed([read("cat", 0.0), read("cat", 0.0)]).value == "cat"


def test_distributions_are_averaged_and_their_best_is_told() -> None:
    sad = read("sad", 0.6, 1, scores={"sad": 0.6, "happy": 0.4})
    happy = read("happy", 0.9, 2, scores={"sad": 0.1, "happy": 0.9})
    told = smoothed([sad, sad, happy])
    assert told.value == "happy"
    assert sum(told.scores.values()) == pytest.approx(1)
    assert told.score == told.scores["happy"]


def test_points_are_those_of_the_latest() -> None:
    assert smoothed([read([[0.0, 0.0]]), read([[1.0, 2.0]], pts_ns=5)]).value == [[1.0, 2.0]]


def test_yes_and_no_are_voted_for_not_averaged() -> None:
    assert smoothed([read(True), read(False), read(True)]).value is True


def test_a_value_that_changes_its_kind_is_told_as_it_is_now() -> None:
    assert smoothed([read("old"), read(3.0)]).value == 3.0
