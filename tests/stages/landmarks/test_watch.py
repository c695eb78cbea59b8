import numpy as np
import pytest

from livelens.stages.landmarks.part import Follower, Reading
from livelens.stages.landmarks.region import Region
from livelens.stages.landmarks.watch import Readers, Rules, Watch, distinct, one_hand_each
from livelens.types import Frame, Part

SECOND = 1_000_000_000


def follower(x: float, *, side: Part | None = None, left: float = 0.5, count: int = 21) -> Follower:
    points = np.zeros((count, 3), np.float32)
    points[:, 0] = x
    points[:, 1] = np.linspace(0, 100, count)
    return Follower(0, Reading(points, 1.0, Region(x, 50, 120), left=left), side=side, left=left)


def test_a_body_that_is_followed_twice_stays_once() -> None:
    one, again, other = (follower(x, count=33) for x in (100, 104, 160))
    assert distinct([one, again, other]) == [one, other]


@pytest.mark.parametrize("left", [0.05, 0.95])
def test_one_hand_is_not_two(left: float) -> None:
    both = [follower(100, side=side, left=left) for side in ("left_hand", "right_hand")]
    somebody_else = follower(500, side="left_hand")
    other, kept = one_hand_each([somebody_else, *both])
    assert other is somebody_else
    assert kept.side == ("left_hand" if left > 0.5 else "right_hand")
    apart = [follower(100, side="left_hand"), follower(300, side="right_hand")]
    assert one_hand_each(apart) == apart


class Scripted:
    """A reader of bodies whose detector and network say what the test says."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.scores: dict[float, float] = {}
        self.searches = 0

    def find(self, frame: Frame) -> list[Region]:
        self.searches += 1
        return self.regions

    def read(self, frame: Frame, region: Region) -> Reading:
        points = np.zeros((33, 3), np.float32)
        points[:, 0] = np.linspace(region.x - 40, region.x + 40, 33)
        return Reading(points, self.scores.get(region.x, 1.0), region)

    def close(self) -> None:
        pass


def watch(reader: Scripted, max_people: int = 2) -> Watch:
    rules = Rules(
        max_people=max_people,
        presence=0.5,
        visibility=0.5,
        search_ns=SECOND // 5,
        forget_ns=SECOND // 2,
        smooth=False,
    )
    return Watch(Readers(body=reader), rules)  # type: ignore[arg-type]


def at(milliseconds: int, size: int = 64) -> Frame:
    return Frame.of(np.zeros((size, size, 3), np.uint8), pts_ns=milliseconds * 1_000_000)


def test_detectors_rest_while_everybody_is_followed() -> None:
    reader = Scripted()
    reader.regions = [Region(100, 50, 200), Region(400, 50, 200)]
    everybody = watch(reader)
    for n in range(10):
        found = everybody.update(at(40 * n))
        assert [each.person for each in found] == [0, 1]
    assert reader.searches == 1


def test_more_are_looked_for_now_and_then() -> None:
    reader = Scripted()
    reader.regions = [Region(100, 50, 200)]
    one_of_two = watch(reader)
    for n in range(26):  # one second
        assert len(one_of_two.update(at(40 * n))) == 1
    assert 5 <= reader.searches <= 6


def test_nobody_is_looked_for_in_every_frame() -> None:
    reader = Scripted()
    nobody = watch(reader)
    for n in range(5):
        assert nobody.update(at(40 * n)) == ()
    assert reader.searches == 5


def test_who_is_lost_is_looked_for_at_once_and_numbers_are_used_again() -> None:
    reader = Scripted()
    reader.regions = [Region(100, 50, 200), Region(400, 50, 200)]
    people = watch(reader)
    people.update(at(0))
    reader.scores[100] = 0.2
    reader.regions = [Region(700, 50, 200)]
    found = people.update(at(1000 // 4))
    assert {each.person: each.points[:, 0].mean() for each in found} == {1: 400, 0: 700}


@pytest.mark.parametrize(
    "second", [at(600), at(-40), at(40, size=32)], ids=["gap", "back in time", "size"]
)
def test_a_break_begins_anew(second: Frame) -> None:
    reader = Scripted()
    reader.regions = [Region(100, 50, 200)]
    alone = watch(reader, max_people=1)
    alone.update(at(0))
    reader.regions = [Region(300, 50, 200)]
    (found,) = alone.update(second)
    assert found.points[:, 0].mean() == pytest.approx(300)
