import cv2
import numpy as np
import pytest

from livelens.models import zoo
from livelens.picture import Pixels
from livelens.stages.landmarks import body, face, hands
from livelens.stages.landmarks.stage import FindLandmarks, LandmarkStage
from livelens.types import Frame, Item, Landmarks

RIDER_BOX = (340, 5, 495, 272)
STEP_NS = 40_000_000


class Seen:
    """Shows pictures to a stage as one stream that begins anew at each call of `one`."""

    def __init__(self, stage: LandmarkStage) -> None:
        self._stage = stage
        self._seq = 0

    def one(self, picture: Pixels) -> tuple[Landmarks, ...]:
        self._seq += 1000
        return self.next(picture)

    def next(self, picture: Pixels) -> tuple[Landmarks, ...]:
        self._seq += 1
        frame = Frame.of(picture.copy(), seq=self._seq, pts_ns=self._seq * STEP_NS)
        (item,) = self._stage.process([Item(frame)])
        return item.landmarks


@pytest.fixture(scope="module")
def woman() -> list[Pixels]:
    """Frames 60 to 75 of a clip: a face, and her right hand before the mouth."""
    capture = cv2.VideoCapture(str(zoo.clip("faces")))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 60)
    return [np.asarray(capture.read()[1], np.uint8) for _ in range(16)]


@pytest.fixture(scope="module")
def rider() -> Pixels:
    """A man who stands over his bicycle and looks at the camera, upright at about 423, 110."""
    capture = cv2.VideoCapture(str(zoo.clip("bikes")))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 116)
    return np.asarray(capture.read()[1], np.uint8)


@pytest.fixture(scope="module")
def sitter() -> Pixels:
    """A man who sits and holds his hands before him; beside him the edge of another face."""
    picture = cv2.imread(str(zoo.clip("faces").parent / "multi_face.jpg"))
    assert picture is not None
    return np.asarray(picture[:, :335], np.uint8)


@pytest.fixture(scope="module")
def all_parts() -> Seen:
    return Seen(FindLandmarks(max_people=2).open())


def parts(found: tuple[Landmarks, ...]) -> dict[str, Landmarks]:
    """By name; one person's."""
    assert {each.person for each in found} <= {0}
    return {each.part: each for each in found}


def test_a_standing_man_from_head_to_hips(all_parts: Seen, rider: Pixels) -> None:
    found = parts(all_parts.one(rider))["body"]
    assert found.points.shape == (33, 3)
    assert found.points.dtype == np.float32
    left, top, right, bottom = RIDER_BOX
    inside = found.points[[*range(17), 23, 24, 25, 26], :2]
    assert ((inside > (left, top)) & (inside < (right, bottom))).all()
    nose, shoulders, hips = found.points[0], found.points[11:13], found.points[23:25]
    assert nose[1] + 10 < shoulders[:, 1].min() < shoulders[:, 1].max() + 40 < hips[:, 1].min()
    # He looks at the camera: his left is on the right side of the picture.
    for one in (body.LEFT_SHOULDER, body.LEFT_HIP, body.LEFT_WRIST):
        assert found.points[one, 0] > found.points[one + 1, 0] + 20
    assert found.visibility is not None
    assert found.visibility[[0, 11, 12, 23, 24]].min() > 0.9


def test_metres_are_those_of_a_man(all_parts: Seen, rider: Pixels) -> None:
    world = parts(all_parts.one(rider))["body"].world
    assert world is not None
    assert np.abs(world[23:25].mean(axis=0)).max() < 0.05
    trunk = world[11:13].mean(axis=0) - world[23:25].mean(axis=0)
    assert trunk[1] < 0
    assert 0.35 < np.linalg.norm(trunk) < 0.7


@pytest.mark.parametrize("degrees", [-40, 40])
def test_a_camera_that_leans(degrees: int, all_parts: Seen, rider: Pixels) -> None:
    height, width = rider[:, 300:600].shape[:2]
    wide = cv2.copyMakeBorder(rider[:, 300:600], 150, 150, 300, 300, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D((300 + width / 2, 150 + height / 2), degrees, 1.0)
    leaning = cv2.warpAffine(
        wide, turn, (wide.shape[1], wide.shape[0]), borderMode=cv2.BORDER_REPLICATE
    )
    found = parts(all_parts.one(np.asarray(leaning, np.uint8)))["body"]
    assert found.world is not None
    for points in (found.points, found.world):
        trunk = points[11:13].mean(axis=0) - points[23:25].mean(axis=0)
        assert np.degrees(np.arctan2(-trunk[0], -trunk[1])) == pytest.approx(degrees, abs=12)


def test_a_mirror_swaps_left_and_right(all_parts: Seen, rider: Pixels) -> None:
    plain = parts(all_parts.one(rider))["body"].points
    mirrored = parts(all_parts.one(rider[:, ::-1]))["body"].points
    pairs = np.array([[11, 12], [13, 14], [15, 16], [23, 24]])
    back = rider.shape[1] - mirrored[pairs[:, ::-1], 0]
    assert np.abs(back - plain[pairs, 0]).max() < 12


def test_hands_are_at_wrists(all_parts: Seen, sitter: Pixels) -> None:
    found = parts(all_parts.one(sitter))
    size = body.shoulder_width(found["body"].points)
    for part, wrist in (("left_hand", body.LEFT_WRIST), ("right_hand", body.RIGHT_WRIST)):
        apart = found[part].points[hands.WRIST, :2] - found["body"].points[wrist, :2]
        assert np.hypot(*apart) < 0.3 * size
        # Fingers lead away from the elbow.
        elbow, middle = found["body"].points[wrist - 2], found[part].points[hands.MIDDLE_MIDDLE]
        forearm = found["body"].points[wrist, :2] - elbow[:2]
        assert np.dot(forearm, middle[:2] - elbow[:2]) > np.dot(forearm, forearm)
    assert found["right_hand"].points[:, 0].mean() < found["left_hand"].points[:, 0].mean() - 30


def test_a_face_and_a_hand_before_it(all_parts: Seen, woman: list[Pixels]) -> None:
    shown = [all_parts.one(woman[0]), *(all_parts.next(picture) for picture in woman[1:])]
    found = parts(shown[-1])
    mesh = found["face"].points
    assert mesh.shape == (478, 3)
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    assert 280 < low[0] < high[0] < 560
    assert 20 < low[1] < high[1] < 350
    # From brow to chin, and the person's right eye on the left side of the picture.
    assert mesh[10, 1] < mesh[1, 1] < mesh[13, 1] < mesh[152, 1]
    assert mesh[33, 0] < mesh[133, 0] < mesh[362, 0] < mesh[263, 0]
    # Her right hand covers her mouth.
    assert "left_hand" not in found
    hand = found["right_hand"]
    assert hand.points.shape == (21, 3)
    assert hand.world is not None
    reach = np.hypot(*(hand.points[hands.MIDDLE_MIDDLE, :2] - mesh[13, :2]))
    assert reach < 0.5 * (high[1] - low[1])


def test_irises_lie_in_the_eyes(all_parts: Seen, woman: list[Pixels]) -> None:
    mesh = parts(all_parts.one(woman[0]))["face"].points[:, :2]
    for middle, eye in ((468, face.RIGHT_EYE), (473, face.LEFT_EYE)):
        outer, inner = mesh[list(eye)]
        width = np.hypot(*(outer - inner))
        assert np.hypot(*(mesh[middle] - (outer + inner) / 2)) < 0.35 * width
        rim = np.hypot(*(mesh[middle + 1 : middle + 5] - mesh[middle]).T)
        assert (0.1 * width < rim).all()
        assert (rim < 0.4 * width).all()


def test_followed_points_are_where_a_detector_finds_them(
    all_parts: Seen, woman: list[Pixels]
) -> None:
    followed = [all_parts.one(woman[0]), *(all_parts.next(picture) for picture in woman[1:])][-1]
    found = parts(all_parts.one(woman[-1]))
    # Of the body only the head and the shoulders are in the picture.
    for part, count in (("body", 13), ("face", 478)):
        one, other = parts(followed)[part].points[:count, :2], found[part].points[:count, :2]
        size = np.ptp(other, axis=0).max()
        assert np.hypot(*(one - other).T).mean() < 0.05 * size


def test_points_follow_a_picture_that_moves(all_parts: Seen, woman: list[Pixels]) -> None:
    before = parts(all_parts.one(woman[0]))["face"].points[1, 0]
    for n in range(1, 9):
        moved = np.roll(woman[0], -10 * n, axis=1)
        found = parts(all_parts.next(moved))["face"]
    assert found.points[1, 0] == pytest.approx(before - 80, abs=4)


def test_two_people_keep_their_numbers(all_parts: Seen, rider: Pixels) -> None:
    half = rider[:, 300:560]
    both = np.hstack([half, half[:, ::-1]])
    first = all_parts.one(both)
    places = {each.person: each.points[0, 0] for each in first if each.part == "body"}
    assert len(places) == 2
    assert abs(places[0] - places[1]) > 150
    for _ in range(5):
        again = {e.person: e.points[0, 0] for e in all_parts.next(both) if e.part == "body"}
        assert again == pytest.approx(places, abs=5)


def test_one_person_is_one_person(rider: Pixels, sitter: Pixels, woman: list[Pixels]) -> None:
    stage = FindLandmarks(search_s=0).open()
    seen = Seen(stage)
    crowd = cv2.resize(sitter, (320, 640))
    scenes = [np.asarray(np.hstack([crowd, crowd[:, ::-1]]), np.uint8), resized(rider, 640, 640)]
    for n in range(8):
        found = seen.next(scenes[n // 2 % 2])
        assert {each.person for each in found} == {0}
        assert len(found) == len({each.part for each in found})
    stage.close()


@pytest.mark.parametrize("alone", ["body", "hands", "face"])
def test_each_part_alone(alone: str, woman: list[Pixels]) -> None:
    stage = FindLandmarks(parts=(alone,), refine_face=False).open()  # type: ignore[arg-type]
    seen = Seen(stage)
    found = [seen.one(woman[0]), *(seen.next(picture) for picture in woman[1:])][-1]
    wanted = {"body": {"body": 33}, "hands": {"right_hand": 21}, "face": {"face": 468}}
    assert {each.part: len(each.points) for each in found} == wanted[alone]
    stage.close()


def test_nobody_is_on_a_picture_of_nobody(all_parts: Seen) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    for picture in (np.zeros((480, 640, 3), np.uint8), np.full((90, 120, 3), 200, np.uint8), noise):
        assert all_parts.one(picture) == ()


def test_who_leaves_is_gone(all_parts: Seen, woman: list[Pixels]) -> None:
    assert all_parts.one(woman[0]) != ()
    black = np.zeros_like(woman[0])
    for _ in range(3):
        found = all_parts.next(black)
    assert found == ()


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (3840, 2160), (200, 1000)])
def test_pictures_of_any_size(size: tuple[int, int], all_parts: Seen, woman: list[Pixels]) -> None:
    picture = resized(woman[0], *size)
    for each in (*all_parts.one(picture), *all_parts.next(picture)):
        assert np.isfinite(each.points).all()


def test_points_scale_with_the_picture(all_parts: Seen, woman: list[Pixels]) -> None:
    small = parts(all_parts.one(woman[0]))["face"].points
    large = parts(all_parts.one(resized(woman[0], 2560, 1440)))["face"].points
    assert np.abs(large[:468] / 4 - small[:468])[:, :2].mean() < 2.5


def test_a_size_that_changes_in_mid_stream(all_parts: Seen, woman: list[Pixels]) -> None:
    before = parts(all_parts.one(woman[0]))["face"].points
    after = parts(all_parts.next(resized(woman[0], 320, 180)))["face"].points
    assert np.abs(after[:468] * 2 - before[:468])[:, :2].mean() < 4


def test_grey_pictures(all_parts: Seen, woman: list[Pixels]) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(woman[0], cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    colored = parts(all_parts.one(woman[0]))["face"].points
    assert (
        np.abs(parts(all_parts.one(np.asarray(grey, np.uint8)))["face"].points - colored)[
            :, :2
        ].mean()
        < 3
    )


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="workers must be 1"):
        FindLandmarks(workers=2)
    with pytest.raises(ValueError, match="parts must name"):
        FindLandmarks(parts=())


def test_live_frames_need_not_wait_for_points() -> None:
    item = Item(Frame.of(np.zeros((64, 64, 3), np.uint8)))
    assert not FindLandmarks().passes_over
    spec = FindLandmarks(every="auto")
    assert spec.passes_over
    assert spec.passed_over(item).undetected == {"landmarks"}
    assert FindLandmarks(name="points", every="auto").passed_over(item).undetected == {"points"}
