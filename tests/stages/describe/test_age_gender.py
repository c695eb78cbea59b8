"""Ages and genders, on photographs."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from livelens.stages.describe.age_gender import AgeGender, AgeGenderDescriptor, age_range
from livelens.types import Attribute
from tests.stages.describe import faces


@pytest.fixture(scope="module")
def descriptor() -> Iterator[AgeGenderDescriptor]:
    opened = AgeGender(precision="f32").open()
    yield opened
    opened.close()


def test_five_young_people(descriptor: AgeGenderDescriptor) -> None:
    described = descriptor.describe(faces.crops(faces.photograph("multi_face.jpg")))
    assert [each["gender"].value for each in described] == faces.GENDERS
    for each in described:
        age, gender = each["age"], each["gender"]
        assert isinstance(age.value, float)
        assert 15 < age.value < 40
        assert 0 < age.score <= 1
        assert set(gender.scores) == {"female", "male"}
        assert sum(gender.scores.values()) == pytest.approx(1)


def test_a_leaning_head_is_levelled_first(descriptor: AgeGenderDescriptor) -> None:
    picture = faces.photograph("single_face.jpg")
    upright, leaning = (
        descriptor.describe(faces.crops(each))[0] for each in (picture, faces.turned(picture, 40))
    )
    assert upright["gender"].value == leaning["gender"].value == "male"
    assert leaning["age"].value == pytest.approx(upright["age"].value, abs=5)


def test_fewer_views_tell_about_the_same() -> None:
    crops = faces.crops(faces.photograph("single_face.jpg"))
    told = []
    for views in (1, 2, 6):
        opened = AgeGender(precision="f32", views=views).open()
        told.append(opened.describe(crops)[0])
        opened.close()
    ages = [each["age"].value for each in told]
    assert len(set(ages)) == 3
    assert ages == pytest.approx([ages[2]] * 3, abs=6)


def test_views_are_limited() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"views": 0}, AgeGender)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"views": 7}, AgeGender)


def test_what_is_no_face_is_not_told_and_nothing_fails(descriptor: AgeGenderDescriptor) -> None:
    odd = faces.odd_crops()
    described = descriptor.describe(odd)
    assert len(described) == len(odd)
    assert described[0] == {}
    for description in described:
        assert all(np.isfinite(reading.score) for reading in description.values())
    assert descriptor.describe([]) == []


@pytest.mark.parametrize(
    ("years", "named"), [(0.3, "0-4"), (4.99, "0-4"), (5, "5-9"), (34.9, "30-34"), (80, "80-84")]
)
def test_the_five_years_of_an_age(years: float, named: str) -> None:
    assert age_range(years) == named


def test_the_range_follows_from_the_smoothed_age() -> None:
    age = Attribute(31.7, 0.8, pts_ns=5)
    told = AgeGender().concluded({"age": age, "gender": Attribute("male", 0.9, 5)})
    assert told["age_range"] == Attribute("30-34", 0.8, pts_ns=5)
    assert told["age"] is age
    unknown = {"gender": Attribute("male", 0.9, 5)}
    assert AgeGender().concluded(unknown) == unknown
