"""Clothes and their colours: on drawn figures, and on photographs."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livelens.crop import Crop
from livelens.stages.describe.clothing import Clothing, ClothingDescriptor, clothes_of
from livelens.stages.describe.figure import Figure, exposed
from livelens.types import Frame
from tests.faces.photographs import several_faces

SKIN, NAVY, RED, WHITE = (205, 160, 135), (25, 32, 75), (200, 30, 35), (245, 245, 245)
# Joints of a person who stands and faces the camera: (x, y) of each body point.
JOINTS = {
    0: (150, 60), 2: (160, 50), 5: (140, 50), 7: (172, 55), 8: (128, 55), 9: (156, 72),
    10: (144, 72), 11: (190, 110), 12: (110, 110), 13: (210, 180), 14: (90, 180),
    15: (215, 240), 16: (85, 240), 19: (217, 262), 20: (83, 262), 23: (172, 240),
    24: (128, 240), 25: (175, 330), 26: (125, 330), 27: (178, 420), 28: (122, 420),
}  # fmt: skip
Color = tuple[int, int, int]


def figure(
    *,
    shirt: Color = WHITE,
    trousers: Color = NAVY,
    upper_arm: Color | None = None,
    forearm: Color | None = None,
    shin: Color | None = None,
    skin: Color = SKIN,
    unseen: tuple[int, ...] = (),
) -> Figure:
    """A person in these clothes; arms and shins are covered unless they get a colour."""
    picture = np.full((450, 300, 3), (90, 140, 90), np.uint8)
    points = np.zeros((33, 2))
    for joint, place in JOINTS.items():
        points[joint] = place

    def limb(start: int, end: int, color: Color, width: int) -> None:
        cv2.line(picture, JOINTS[start], JOINTS[end], color, width)

    for shoulder, elbow, wrist, finger, hip, knee, ankle in (
        (11, 13, 15, 19, 23, 25, 27),
        (12, 14, 16, 20, 24, 26, 28),
    ):
        limb(hip, knee, trousers, 34)
        limb(knee, ankle, shin or trousers, 26)
        limb(elbow, wrist, forearm or shirt, 22)
        limb(wrist, finger, skin, 20)
        limb(shoulder, elbow, upper_arm or shirt, 26)
    trunk = np.array([JOINTS[joint] for joint in (11, 12, 24, 23)])
    cv2.fillPoly(picture, [trunk], shirt)
    cv2.ellipse(picture, (150, 60), (30, 38), 0, 0, 360, skin, -1)
    noise = np.random.default_rng(0).integers(-6, 7, picture.shape)
    seen = np.zeros(33)
    seen[list(JOINTS)] = 1
    seen[list(unseen)] = 0
    return Figure(np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8), points, seen)


def told(person: Figure) -> dict[str, object]:
    return {name: reading.value for name, reading in clothes_of(person).items()}


def test_a_white_shirt_and_navy_trousers() -> None:
    assert told(figure()) == {
        "upper": "long sleeves",
        "upper_color": "white",
        "lower": "trousers",
        "lower_color": "blue",
    }


def test_sleeves_end_where_skin_begins() -> None:
    assert told(figure(forearm=SKIN))["upper"] == "short sleeves"
    assert told(figure(forearm=SKIN, upper_arm=SKIN))["upper"] == "sleeveless"


def test_shorts_end_above_the_shin() -> None:
    assert told(figure(shin=SKIN))["lower"] == "shorts"
    assert told(figure(shin=NAVY))["lower"] == "trousers"


@pytest.mark.parametrize("skin", [(240, 205, 185), (150, 105, 80), (85, 55, 42)])
def test_any_skin(skin: Color) -> None:
    person = told(figure(shirt=RED, skin=skin, forearm=skin, shin=skin))
    assert person["upper"] == "short sleeves"
    assert person["lower"] == "shorts"
    assert person["upper_color"] == "red"


def test_what_is_not_seen_is_not_told() -> None:
    assert set(told(figure(unseen=(25, 26, 27, 28)))) == {"upper", "upper_color"}
    assert "upper" not in told(figure(unseen=(15, 16)))
    assert told(figure(unseen=tuple(range(33)))) == {}


def test_from_behind_the_hands_show_the_skin() -> None:
    seen = figure(forearm=SKIN)
    hair = seen.picture.copy()
    cv2.ellipse(hair, (150, 60), (30, 38), 0, 0, 360, (30, 20, 15), -1)
    behind = Figure(hair, seen.points, seen.seen, turned_away=True)
    assert told(behind)["upper"] == "short sleeves"


def test_without_skin_to_compare_with_it_is_less_sure() -> None:
    known = clothes_of(figure(forearm=SKIN))["upper"]
    hidden = clothes_of(figure(forearm=SKIN, unseen=(2, 5, 9, 10, 19, 20)))["upper"]
    assert hidden.score < 0.6 * known.score


def test_scores_sum_to_one() -> None:
    for reading in clothes_of(figure()).values():
        assert sum(reading.scores.values()) == pytest.approx(1)
        assert reading.value in reading.scores


def test_dark_pictures_are_brightened_a_little() -> None:
    grey = np.full((20, 20, 3), 200, np.uint8)
    assert exposed(grey).max() == 240
    assert exposed(np.full((20, 20, 3), 50, np.uint8)).max() == 70
    assert (exposed(np.full((20, 20, 3), 250, np.uint8)) == 250).all()


@pytest.fixture(scope="module")
def clothing() -> Iterator[ClothingDescriptor]:
    one = Clothing(threads=1).open()
    yield one
    one.close()


def photograph() -> Frame:
    image = cv2.imread(str(several_faces()))
    assert image is not None
    return Frame.of(np.asarray(image, np.uint8))


def test_the_black_shirt_of_a_man_in_a_photograph(clothing: ClothingDescriptor) -> None:
    (description,) = clothing.describe([Crop(photograph(), (45, 5, 345, 665), "person")])
    assert description["upper_color"].value == "black"
    assert "upper" in description


def test_nothing_is_told_of_what_is_no_person_or_too_small(clothing: ClothingDescriptor) -> None:
    frame = photograph()
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    crops = [
        Crop(frame, (600, 20, 900, 230), "person"),
        Crop(frame, (380, 300, 400, 340), "person"),
        Crop(Frame.of(noise), (0, 0, 300, 300), "person"),
    ]
    assert clothing.describe(crops) == [{}, {}, {}]


def test_persons_are_told_in_order(clothing: ClothingDescriptor) -> None:
    frame = photograph()
    man, sky = (45.0, 5.0, 345.0, 665.0), (600.0, 20.0, 900.0, 230.0)
    first = clothing.describe([Crop(frame, sky), Crop(frame, man), Crop(frame, sky)])
    assert [bool(description) for description in first] == [False, True, False]


def test_nobody(clothing: ClothingDescriptor) -> None:
    assert clothing.describe([]) == []
