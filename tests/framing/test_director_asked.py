"""A click on the picture, groups, settings that change, scenes that change."""

import itertools
import math

import numpy as np
import pytest
import supervision as sv

from livelens.clock import NS_PER_S
from livelens.framing.director import Choice, Composition, Decision, Director
from livelens.framing.geometry import Field, Rect
from livelens.picture import ArrayPicture
from livelens.types import Frame, Item

from .scenes import HEIGHT, UPRIGHT, WIDTH, Found, Scene, item

PLAIN = Composition(max_zoom=1, headroom=0, lead_room=0)
ONE, TWO = Found(600, number=1), Found(900, number=2, score=0.4)


def scene(choice: Choice | None = None, composition: Composition = PLAIN) -> Scene:
    return Scene(Director(choice or Choice(), composition))


class TestPoint:
    """A click on the picture."""

    def clicked(self, x: float, y: float, **more: float) -> Choice:
        return Choice(point=(x / WIDTH, y / HEIGHT), **more)  # type: ignore[arg-type]

    def test_shows_whoever_is_there(self) -> None:
        here = scene(self.clicked(880, 500))
        assert here.frame(ONE, TWO).subjects == (2,)

    def test_the_smallest_of_several(self) -> None:
        here = scene(self.clicked(640, 400))
        child = Found(640, 450, 60, 150, number=7, score=0.3)
        assert here.frame(Found(640, number=1), child).subjects == (7,)

    def test_nobody_else_however_important(self) -> None:
        here = scene(self.clicked(900, 400, switch_s=0))
        assert here.last(3, ONE, TWO).subjects == (2,)

    def test_stays_with_them_wherever_they_go(self) -> None:
        here = scene(self.clicked(900, 400))
        for k in range(100):
            decision = here.frame(Found(600, number=1), Found(900 - 6 * k, number=2))
        assert decision.target.x == 900 - 6 * 99

    def test_and_through_a_new_number(self) -> None:
        here = scene(self.clicked(900, 400))
        here.last(1, ONE, TWO)
        here.last(1.5, ONE)
        assert here.last(0.5, ONE, Found(920, number=33, score=0.4)).subjects == (33,)

    def test_also_a_thing_that_is_not_chosen_by_itself(self) -> None:
        here = scene(self.clicked(900, 400))
        assert here.frame(ONE, Found(900, name="car", number=5)).subjects == (5,)

    def test_holds_the_point_until_somebody_appears_there(self) -> None:
        here = scene(self.clicked(300, 300))
        decision = here.last(2, ONE)
        assert (decision.state, decision.subjects) == ("holding", ())
        assert (decision.target.x, decision.target.y) == (300, 300)
        decision = here.last(0.2, ONE, Found(320, number=4, score=0.3))
        assert (decision.state, decision.subjects) == ("following", (4,))

    def test_but_not_for_ever(self) -> None:
        here = scene(self.clicked(300, 300, recall_s=3))
        here.last(2.9, ONE)
        assert here.last(0.5, ONE).subjects == (1,)

    def test_waits_for_a_detector_that_did_not_look(self) -> None:
        here = scene(self.clicked(900, 400))
        here.director.direct(item(None, 0.0), UPRIGHT)
        here.now = 0.04
        assert here.frame(ONE, TWO).subjects == (2,)


class TestGroup:
    """As many as fit into the largest viewport, 405 px wide, the most important first."""

    def row(self, *xs: float) -> list[Found]:
        """The first the most important."""
        return [
            Found(x, number=k + 1, width=60, height=200, score=0.9 - 0.1 * k)
            for k, x in enumerate(xs)
        ]

    def test_one_by_itself(self) -> None:
        assert scene().frame(*self.row(600, 700)).subjects == (1,)

    def test_as_many_as_fit(self) -> None:
        decision = scene(Choice(group=5)).frame(*self.row(600, 700, 1100, 500))
        assert decision.subjects == (1, 2, 4)
        assert decision.target.x == 600

    def test_no_more_than_asked_for(self) -> None:
        assert scene(Choice(group=2)).frame(*self.row(600, 700, 650, 500)).subjects == (1, 2)

    def test_one_who_walks_along_the_edge_does_not_come_and_go(self) -> None:
        here, seen = scene(Choice(group=2)), []
        here.last(1, *self.row(600, 700))
        for k in range(200):
            x = 926 + 8 * (k % 3 - 1)  # on and off what fits
            seen.append(here.frame(*self.row(600, x)).subjects)
        assert sum(a != b for a, b in itertools.pairwise(seen)) <= 1

    def test_nor_does_one_who_sways_there(self) -> None:
        here, seen = scene(Choice(group=2)), []
        here.last(1, *self.row(600, 700))
        for k in range(500):
            x = 926 + 10 * math.sin(k / 25)
            seen.append(here.frame(*self.row(600, x)).subjects)
        assert sum(a != b for a, b in itertools.pairwise(seen)) <= 1

    def test_one_who_runs_through_does_not_widen_the_shot(self) -> None:
        here = scene(Choice(group=2))
        here.last(1, *self.row(600))
        for _ in range(10):
            assert here.frame(*self.row(600, 700)).subjects == (1,)
        assert here.last(0.5, *self.row(600, 700)).subjects == (1, 2)

    def test_who_blinks_stays(self) -> None:
        here = scene(Choice(group=2, hold_s=1))
        one, two = self.row(600, 700)
        here.last(1, one, two)
        assert here.last(0.5, one).target.x == 650
        assert here.last(1, one).target.x == 600

    def test_two_boxes_of_one_thing_are_one(self) -> None:
        here = scene(Choice(group=3))
        assert here.frame(Found(600, number=1), Found(596, number=2, score=0.6)).subjects == (1,)


class TestRenewed:
    """Settings that change while it runs."""

    def test_the_subject_stays(self) -> None:
        here = scene()
        here.last(1, ONE)
        here.last(0.5, ONE, Found(640, number=2))
        here.director.renew(Choice(by_size=3, group=1, hold_s=1), Composition(fill=0.4))
        assert here.frame(ONE, Found(640, number=2)).subjects == (1,)

    def test_a_number_is_followed_at_once(self) -> None:
        here = scene()
        here.last(1, ONE, TWO)
        here.director.renew(Choice(tracker_id=2), PLAIN)
        assert here.frame(ONE, TWO).subjects == (2,)

    def test_the_same_click_again_is_none(self) -> None:
        here = scene(Choice(point=(600 / WIDTH, 0.5)))
        here.frame(ONE, TWO)
        moved = Found(900, number=1), Found(600, number=2)
        for k in range(31):
            here.frame(Found(600 + 10 * k, number=1), Found(900 - 10 * k, number=2))
        here.director.renew(Choice(point=(600 / WIDTH, 0.5), hold_s=1), PLAIN)
        assert here.frame(*moved).subjects == (1,)

    def test_whose_class_is_left_out_is_shown_no_more(self) -> None:
        here = scene()
        dog = Found(900, name="dog", number=2)
        here.last(1, ONE, dog)
        here.director.renew(Choice(classes=("dog",)), PLAIN)
        assert here.last(0.5, ONE, dog).subjects == (2,)

    def test_the_number_taken_back_leaves_the_subject(self) -> None:
        here = scene(Choice(tracker_id=1))
        here.last(1, ONE)
        here.director.renew(Choice(), PLAIN)
        assert here.frame(ONE, TWO).subjects == (1,)


class TestScenes:
    """Cuts, and other breaks."""

    def test_another_scene_is_shown_at_once(self) -> None:
        here = scene()
        here.last(1, ONE)
        decision = here.frame(TWO, cut=True)
        assert (decision.subjects, decision.target.cut) == ((2,), True)
        assert not here.frame(TWO).target.cut

    def test_who_is_found_a_little_later_too(self) -> None:
        here = scene()
        here.last(1, ONE)
        assert here.frame(cut=True).target.cut
        here.frame()
        assert here.frame(TWO).target.cut

    def test_the_same_one_in_another_scene_by_colours(self) -> None:
        red, blue = (30, 30, 200), (200, 60, 20)
        here = scene(Choice(by_size=0))
        here.last(
            2, Found(640, number=1, colour=red), Found(1000, number=2, score=0.3, colour=blue)
        )
        new = Found(300, number=8, score=0.3, colour=red), Found(640, number=9, colour=blue)
        here.frame(*new, cut=True)
        assert here.last(0.5, *new).subjects == (8,)

    def test_another_subject_far_away_is_shown_by_a_cut(self) -> None:
        assert self.switch(to_x=1150).target.cut

    def test_and_one_near_by_a_pan(self) -> None:
        assert not self.switch(to_x=800).target.cut

    def switch(self, to_x: float) -> Decision:
        here = scene(Choice(by_centrality=0))
        weak, strong = Found(550, number=1, score=0.3), Found(to_x, number=2, score=0.95)
        here.last(1, weak)
        for _ in range(100):
            decision = here.frame(weak, strong)
            if decision.subjects == (2,):
                return decision
        pytest.fail("never")

    def test_another_resolution_is_the_same_scene(self) -> None:
        here = scene()
        here.last(1, Found(600), Found(900, score=0.4))
        half = ArrayPicture(np.zeros((HEIGHT // 2, WIDTH // 2, 3), np.uint8))
        boxes = sv.Detections(
            np.array([(275, 125, 325, 275), (425, 125, 475, 275)], np.float32),
            confidence=np.array([0.3, 0.99], np.float32),
        )
        boxes.data["class_name"] = np.array(["person", "person"])
        now = Item(Frame("test", 99, round(here.now * NS_PER_S), 0, half), boxes)
        small = Field(Rect(0, 0, WIDTH / 2, HEIGHT / 2), 9 / 16)
        assert here.director.direct(now, small).target.x == 300

    def test_time_that_jumps_back_begins_anew(self) -> None:
        here = scene()
        here.last(2, ONE)
        here.now = 0.0
        decision = here.frame(TWO)
        assert (decision.subjects, decision.target.cut) == ((2,), True)


def test_the_area_is_where_the_camera_may_look() -> None:
    here = scene()
    here.field = Field(Rect(0, 0, WIDTH, HEIGHT / 2), 9 / 16)
    assert here.frame(Found(600, 650, 100, 100)).state == "wide"
