from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from livelens.crop import Crop
from livelens.descriptor import Description
from livelens.models import zoo
from livelens.picture import Pixels
from livelens.stages.describe.pose import Pose, PoseDescriptor, hands_raised, posture
from livelens.stages.landmarks.part import Reading
from livelens.stages.landmarks.region import Region
from livelens.types import Frame

RIDER = (340.0, 20.0, 495.0, 271.0)
SEEN = np.ones(33, np.float32)


@pytest.fixture(scope="module")
def descriptor() -> Iterator[PoseDescriptor]:
    opened = Pose().open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def street() -> Pixels:
    """A man who stands over his bicycle, in `RIDER`."""
    capture = cv2.VideoCapture(str(zoo.clip("bikes")))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 116)
    return np.asarray(capture.read()[1], np.uint8)


def points(described: Description) -> np.ndarray:
    return np.array(described["pose"].value)


def test_the_pose_of_a_standing_man(descriptor: PoseDescriptor, street: Pixels) -> None:
    frame = Frame.of(street.copy())
    (told,) = descriptor.describe([Crop(frame, RIDER, "person")])
    pose = points(told)
    assert pose.shape == (33, 3)
    assert 400 < pose[0, 0] < 445
    assert pose[0, 1] < pose[11:13, 1].min() < pose[23:25, 1].min() < pose[25:27, 1].min()
    assert pose[11, 0] > pose[12, 0] + 30  # his left is on the right side of the picture
    assert ((pose[:, 2] >= 0) & (pose[:, 2] <= 1)).all()
    assert told["hands_raised"].value == "none"
    assert told["pose"].score > 0.9


def test_one_description_for_each_crop_in_order(descriptor: PoseDescriptor, street: Pixels) -> None:
    frame, mirror = Frame.of(street.copy()), Frame.of(street[:, ::-1].copy())
    mirrored = (640 - RIDER[2], RIDER[1], 640 - RIDER[0], RIDER[3])
    bus = (10.0, 60.0, 300.0, 270.0)
    told = descriptor.describe([Crop(frame, RIDER), Crop(frame, bus), Crop(mirror, mirrored)])
    assert told[1] == {}
    assert points(told[2])[0, 0] == pytest.approx(640 - points(told[0])[0, 0], abs=8)


def test_half_a_man(descriptor: PoseDescriptor) -> None:
    picture = cv2.imread(str(zoo.clip("faces").parent / "single_face.jpg"))
    assert picture is not None
    height, width = picture.shape[:2]
    crop = Crop(Frame.of(np.asarray(picture, np.uint8)), (0.2 * width, 90, width - 20.0, height))
    (told,) = descriptor.describe([crop])
    assert told["pose"].value is not None
    assert "posture" not in told  # his legs are not in the picture
    eyes, mouth = points(told)[[2, 5]], points(told)[[9, 10]]
    assert eyes[:, 1].max() < mouth[:, 1].min()


def test_tiny_crops(descriptor: PoseDescriptor) -> None:
    frame = Frame.of(np.zeros((64, 64, 3), np.uint8))
    assert descriptor.describe([Crop(frame, (10, 10, 11, 11))]) == [{}]


def body(**moved: tuple[float, float]) -> Reading:
    """A person seen from the front, of metres scaled to pixels; y goes down."""
    places = {
        "nose": (0.0, -0.8),
        "shoulder": (0.2, -0.5),
        "wrist": (0.3, 0.05),
        "hip": (0.1, 0.0),
        "knee": (0.1, 0.45),
        "ankle": (0.1, 0.9),
    } | moved
    numbers = {"shoulder": 11, "wrist": 15, "hip": 23, "knee": 25, "ankle": 27}
    world = np.zeros((33, 3), np.float32)
    world[0, :2] = places["nose"]
    for name, number in numbers.items():
        x, y = places[name]
        world[number, :2], world[number + 1, :2] = (x, y), (-x, y)
    flat = world * 200 + np.array([320, 240, 0], np.float32)
    return Reading(flat, 1.0, Region(320, 240, 500), SEEN, world)


def sitting() -> Reading:
    """Thighs towards the camera, shins down."""
    reading = body(knee=(0.1, 0.05), ankle=(0.1, 0.5))
    assert reading.world is not None
    reading.world[25:29, 2] = -0.45
    return reading


def lying() -> Reading:
    reading = body()
    flat = reading.points[:, [1, 0, 2]].copy()
    return Reading(flat, 1.0, reading.region, SEEN, reading.world)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (body(), "standing"),
        (sitting(), "sitting"),
        (lying(), "lying"),
        (body(ankle=(0.1, 0.2)), None),
    ],
    ids=["straight", "thighs level", "trunk level", "knees bent"],
)
def test_postures(made: Reading, word: str | None) -> None:
    assert posture(made, SEEN) == word


def test_what_is_not_seen_tells_nothing() -> None:
    blind = SEEN.copy()
    blind[[27, 28]] = 0.1
    assert posture(body(), blind) is None
    assert posture(lying(), blind) == "lying"
    blind[0] = 0.1
    assert hands_raised(body(), blind) is None


def test_raised_hands() -> None:
    both = body(wrist=(0.3, -1.0))
    assert hands_raised(both, SEEN) == "both"
    assert hands_raised(body(), SEEN) == "none"
    assert hands_raised(body(nose=(0.0, -0.3), wrist=(0.3, -1.0)), SEEN) is None
    left_seen, right_hidden = both, SEEN.copy()
    right_hidden[16] = 0.0
    assert hands_raised(left_seen, right_hidden) == "left"
    hidden = SEEN.copy()
    hidden[15] = 0.0
    assert hands_raised(body(), hidden) is None
