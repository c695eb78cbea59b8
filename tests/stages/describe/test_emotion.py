"""Expressions, on photographs."""

from collections.abc import Iterator

import numpy as np
import pytest

from livelens.stages.describe.emotion import Emotion, EmotionDescriptor
from tests.stages.describe import faces

WORDS = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}


@pytest.fixture(scope="module")
def descriptor() -> Iterator[EmotionDescriptor]:
    opened = Emotion(precision="f32").open()
    yield opened
    opened.close()


def test_who_laughs_is_happy(descriptor: EmotionDescriptor) -> None:
    described = descriptor.describe(faces.crops(faces.photograph("multi_face.jpg")))
    words = [each["emotion"].value for each in described]
    # The third from the left keeps a straight face.
    assert [word for place, word in enumerate(words) if place != 2] == ["happy"] * 4
    assert words[2] == "neutral"


def test_scores_are_of_every_expression_and_sum_to_one(descriptor: EmotionDescriptor) -> None:
    (description,) = descriptor.describe(faces.crops(faces.photograph("single_face.jpg")))
    reading = description["emotion"]
    assert set(reading.scores) == WORDS
    assert sum(reading.scores.values()) == pytest.approx(1)
    assert reading.score == max(reading.scores.values())


def test_grey_pictures_are_read_alike(descriptor: EmotionDescriptor) -> None:
    picture = faces.photograph("single_face.jpg")
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    one, two = (descriptor.describe(faces.crops(each))[0] for each in (picture, grey))
    assert one["emotion"].value == two["emotion"].value


def test_what_is_no_face_is_not_told_and_nothing_fails(descriptor: EmotionDescriptor) -> None:
    odd = faces.odd_crops()
    described = descriptor.describe(odd)
    assert len(described) == len(odd)
    assert described[0] == {}
    assert descriptor.describe(odd[:1]) == [{}]
    assert descriptor.describe([]) == []
