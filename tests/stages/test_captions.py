import pytest

from livelens.stages.captions import plain, words
from livelens.types import Attribute, AttributeValue


def said(**values: AttributeValue) -> list[str]:
    return words({name: Attribute(value, 0.9, 0) for name, value in values.items()})


def test_a_face_in_short() -> None:
    told = said(gender="female", age=33.6, age_range="30-34", emotion="happy", glasses="none")
    assert told == ["female", "34", "happy"]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("speed_px_s", 123.4, "speed 123 px/s"),
        ("yaw", -12.3, "yaw -12"),
        ("colour_share", 0.257, "colour share 0.26"),
        ("upper", "red shirt", "red shirt"),
        ("hands_raised", "both", "hands raised both"),
        ("helmet", True, "helmet"),
    ],
)
def test_numbers_and_words(name: str, value: AttributeValue, word: str) -> None:
    assert said(**{name: value}) == [word]


@pytest.mark.parametrize("value", [None, False, "", "unknown", "none", [[1.0, 2.0]]])
def test_what_tells_nothing_is_left_out(value: AttributeValue) -> None:
    assert said(hands_raised=value) == []


def test_yaw_stands_for_the_three_angles() -> None:
    assert said(yaw=10.0, pitch=2.0, roll=3.0) == ["yaw 10"]
    assert said(pitch=2.0) == ["pitch 2"]


def test_letters_that_opencv_cannot_draw() -> None:
    assert plain("Jürgen Ångström") == "Jurgen Angstrom"
    assert plain("日本") == "??"
    assert plain("a\nb") == "ab"


def test_a_garment_is_told_with_its_colour() -> None:
    known = {
        "upper_color": Attribute("black", 1, 0),
        "upper": Attribute("long sleeves", 1, 0),
        "lower_color": Attribute("blue", 1, 0),
    }
    assert words(known) == ["black long sleeves", "lower color blue"]


def test_a_vehicle_is_told_by_what_its_label_does_not_say() -> None:
    known = {
        "type": Attribute("car", 1, 0),
        "speed": Attribute(182.4, 1, 0),
        "heading": Attribute(355.0, 1, 0),
        "direction": Attribute("up", 1, 0),
    }
    assert words(known) == ["182 px/s", "up"]
