"""Who is shown, and who is next."""

from dataclasses import replace

import pytest

from livelens.framing.director import Choice, Composition, Director
from livelens.framing.geometry import Field

from .scenes import AREA, Found, Scene

PLAIN = Composition(max_zoom=1, headroom=0, lead_room=0)
RED, BLUE, GREEN = (30, 30, 200), (200, 60, 20), (40, 160, 40)


def scene(choice: Choice | None = None, composition: Composition = PLAIN, fps: float = 25) -> Scene:
    return Scene(Director(choice or Choice(), composition), fps=fps)


def test_shows_the_whole_when_there_is_nobody() -> None:
    decision = scene().frame()
    assert (decision.state, decision.subjects) == ("wide", ())
    assert (decision.target.x, decision.target.y, decision.target.size) == (640, 360, 1)


def test_is_exactly_in_the_middle_of_the_subject_without_composition() -> None:
    here = scene()
    for x in (300.0, 304.25, 311.5, 330.0):
        decision = here.frame(Found(x, 401.5, number=1))
        assert (decision.target.x, decision.target.y, decision.target.size) == (x, 401.5, 1)
        assert decision.subjects == (1,)
        assert decision.state == "following"


NOTHING = {"by_score": 0.0, "by_size": 0.0, "by_centrality": 0.0, "by_motion": 0.0}


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        ("by_score", Found(300, score=0.5), Found(900, score=0.9)),
        ("by_size", Found(300, 400, 50, 150), Found(900, 400, 100, 300)),
        ("by_centrality", Found(100), Found(700)),
    ],
)
def test_chooses_by(rule: str, first: Found, second: Found) -> None:
    choice = Choice(**{**NOTHING, rule: 1.0})  # type: ignore[arg-type]
    both = replace(first, number=1), replace(second, number=2)
    assert scene(choice).frame(*both).subjects == (2,)
    assert scene(choice).frame(*both[::-1]).subjects == (2,)


def test_chooses_by_motion() -> None:
    here = scene(Choice(**{**NOTHING, "by_motion": 1.0}))  # type: ignore[arg-type]
    x = 300.0
    for _ in range(75):
        decision = here.frame(Found(x, number=1), Found(900, number=2))
        x += 0.2
    assert decision.subjects == (1,)
    for k in range(75):
        decision = here.frame(Found(x, number=1), Found(900 - 6 * k, number=2))
    assert decision.subjects == (2,)


def test_follows_the_number_that_is_asked_for() -> None:
    here = scene(Choice(tracker_id=2))
    small = Found(900, 400, 40, 90, number=2, score=0.3)
    assert here.last(3, Found(640, number=1), small).subjects == (2,)


def test_waits_for_the_number_and_then_takes_another() -> None:
    here = scene(Choice(tracker_id=9, recall_s=4))
    other = Found(640, number=1)
    assert here.last(3.5, other).state == "wide"
    assert here.last(1, other).subjects == (1,)


class TestHysteresis:
    """The choice does not flicker."""

    WEAK, STRONG = Found(300, number=1, score=0.5), Found(640, number=2, score=0.95)

    def test_another_must_be_better_for_some_time(self) -> None:
        here = scene(Choice(switch_s=2))
        here.last(1, self.WEAK)
        assert here.last(1.9, self.WEAK, self.STRONG).subjects == (1,)
        assert here.last(0.5, self.WEAK, self.STRONG).subjects == (2,)

    def test_without_a_break(self) -> None:
        here = scene(Choice(switch_s=1))
        here.last(1, self.WEAK)
        for _ in range(8):
            assert here.last(0.8, self.WEAK, self.STRONG).subjects == (1,)
            assert here.last(0.4, self.WEAK).subjects == (1,)

    def test_two_who_are_alike_do_not_take_turns(self) -> None:
        here, shown = scene(Choice(switch_s=0)), set()
        for k in range(250):
            swing = 0.1 if k // 20 % 2 else -0.1
            one, other = (
                Found(560, number=1, score=0.7 + swing),
                Found(720, number=2, score=0.7 - swing),
            )
            shown.add(here.frame(one, other).subjects)
        assert len(shown) == 1

    @pytest.mark.parametrize("fps", [15, 30, 60])
    def test_is_alike_at_any_frame_rate(self, fps: int) -> None:
        here = scene(Choice(switch_s=1), fps=fps)
        here.last(1, self.WEAK)
        since = here.now
        while here.frame(self.WEAK, self.STRONG).subjects == (1,):
            assert here.now < since + 5
        assert here.now - since == pytest.approx(1.0, abs=0.15)

    @pytest.mark.parametrize("tracked", [True, False])
    def test_who_crosses_in_front_does_not_steal_the_shot(self, tracked: bool) -> None:
        here = scene()
        subject = Found(640, number=1 if tracked else -1)
        here.last(2, subject)
        for k in range(50):  # two seconds from the left to the right, nearer to the camera
            x = 100.0 + 22 * k
            crossing = Found(x, 450, 160, 480, number=2 if tracked else -1)
            hidden = abs(x - 640) < 90
            decision = here.frame(crossing) if hidden else here.frame(crossing, subject)
            assert decision.target.x == pytest.approx(640, abs=1)
        assert here.last(1, subject).target.x == 640


class TestGone:
    """What happens when the subject leaves, returns, or is hidden."""

    def test_holds_then_eases_to_wide(self) -> None:
        here = scene(Choice(hold_s=2))
        here.last(1, Found(300, number=1))
        decision = here.last(1.9)
        assert (decision.state, decision.target.x, decision.subjects) == ("holding", 300, (1,))
        decision = here.last(0.3)
        assert (decision.state, decision.target.x, decision.subjects) == ("wide", 640, ())
        assert not decision.target.cut

    def test_another_is_followed_after_the_hold(self) -> None:
        here, other = scene(Choice(hold_s=2)), Found(500, number=2, score=0.5)
        here.last(1, Found(400, number=1), other)
        assert here.last(1.8, other).state == "holding"
        assert here.last(0.5, other).subjects == (2,)

    def test_who_comes_back_in_time_is_followed_again(self) -> None:
        here, other = scene(Choice(hold_s=1, recall_s=6)), Found(600, number=2, score=0.3)
        here.last(1, Found(400, number=1), other)
        assert here.last(3, other).subjects == (2,)
        assert here.last(0.6, Found(420, number=1), other).subjects == (1,)

    def test_who_comes_back_too_late_is_not(self) -> None:
        here, other = scene(Choice(hold_s=1, recall_s=2)), Found(600, number=2, score=0.3)
        here.last(1, Found(400, number=1), other)
        here.last(4, other)
        assert here.last(1, Found(420, number=1, score=0.3), other).subjects == (2,)

    def test_nor_is_who_would_be_left_again_at_once(self) -> None:
        here, other = scene(Choice(hold_s=1)), Found(640, number=2, score=0.9)
        here.last(1, Found(400, number=1, score=0.3))
        here.last(2, other)
        for _ in range(75):
            decision = here.frame(Found(420, number=1, score=0.3), other)
            assert decision.subjects == (2,)

    def test_who_was_asked_for_is_waited_for_longer(self) -> None:
        here, other = scene(Choice(tracker_id=1, hold_s=1, recall_s=4)), Found(600, number=2)
        here.last(1, Found(400, number=1), other)
        assert here.last(3.5, other).state == "wide"
        assert here.last(1.5, other).subjects == (2,)

    def test_a_moment_without_a_detection_does_not_move_the_shot(self) -> None:
        here = scene(composition=Composition())
        before = here.last(3, Found(640, number=1)).target
        for _ in range(6):
            now = here.frame()
            assert now.state == "following"
            assert (now.target.x, now.target.y, now.target.size) == (
                before.x,
                before.y,
                before.size,
            )

    def test_who_walks_is_thought_to_walk_on_for_a_moment(self) -> None:
        here = scene()
        for k in range(50):
            here.frame(Found(300 + 4 * k, number=1))
        x = 300 + 4 * 49
        assert here.frame().target.x == pytest.approx(x + 4, abs=0.5)
        assert x + 15 < here.last(1).target.x < x + 32

    def test_a_detector_that_did_not_look_tells_nothing(self) -> None:
        here = scene()
        here.last(1, Found(640, number=1))
        decision = here.director.direct(replace_detections(here), here.field)
        assert (decision.state, decision.target.x) == ("following", 640)

    def test_predicted_boxes_are_followed(self) -> None:
        here = scene()
        here.last(1, Found(640, number=1))
        decision = here.last(3, Found(700, number=1, predicted=True))
        assert (decision.state, decision.target.x) == ("following", 700)

    def test_a_box_that_is_half_for_one_frame_does_not_move_the_shot(self) -> None:
        here = scene()
        here.last(1, Found(640, 400, number=1))
        assert here.frame(Found(640, 325, 100, 150, number=1)).target.y == 400
        assert here.frame(Found(640, 400, number=1)).target.y == 400
        assert here.last(0.4, Found(640, 325, 100, 150, number=1)).target.y == 325


def replace_detections(here: Scene):  # type: ignore[no-untyped-def]
    from .scenes import item

    return item(None, here.now)


class TestTheSame:
    """The subject is known again."""

    def test_without_a_tracker(self) -> None:
        here = scene(Choice(by_centrality=5))
        here.last(1, Found(640))
        for k in range(60):  # the other one becomes more central, and has nothing else to offer
            decision = here.frame(Found(640 + 4 * k), Found(300 + k, score=0.1))
        assert decision.target.x == 640 + 4 * 59

    def test_when_the_tracker_gives_a_new_number(self) -> None:
        here = scene()
        here.last(1, Found(500, number=1), Found(800, number=2, score=0.7))
        decision = here.last(0.5, Found(505, number=11), Found(805, number=12, score=0.7))
        assert (decision.subjects, decision.target.x) == ((11,), 505)

    def test_when_the_tracker_gives_its_number_to_somebody_else_far_away(self) -> None:
        here = scene()
        here.last(1, Found(200, 500, 60, 160, number=1))
        decision = here.last(0.5, Found(1200, 500, 60, 160, number=1), Found(202, 500, 60, 160))
        assert decision.target.x == 202

    def test_when_the_tracker_gives_its_number_to_somebody_of_another_build(self) -> None:
        here = scene(Choice(hold_s=5))
        here.last(1, Found(500, 400, 50, 140, number=1))
        adult = Found(520, 450, 120, 330, number=1)
        assert here.last(0.5, adult, Found(503, 400, 50, 140, number=2)).subjects == (2,)

    def test_by_colours_wherever_it_comes_back(self) -> None:
        assert self.returned(Choice(hold_s=5)) == (12,)

    def test_by_place_where_colours_are_not_to_be_used(self) -> None:
        assert self.returned(Choice(hold_s=5, appearance=False)) == (11,)

    def returned(self, choice: Choice) -> tuple[int, ...]:
        """One in blue comes where the one in red was last seen, and one in red elsewhere."""
        here = scene(choice)
        here.last(2, Found(640, number=1, colour=RED))
        here.last(2)
        new = Found(660, number=11, colour=BLUE), Found(1000, number=12, colour=RED)
        return here.last(0.5, *new).subjects

    def test_by_name_against_all_appearance(self) -> None:
        from livelens.types import Attribute

        def named(number: int, name: str) -> dict[int, dict[str, Attribute]]:
            return {number: {"identity": Attribute(name, 0.9, 0)}}

        here = scene(Choice(hold_s=5))
        for _ in range(25):
            here.frame(Found(640, number=1, colour=RED), attributes=named(1, "Ada"))
        here.last(1)
        ada, bob = Found(1000, number=12, colour=BLUE), Found(640, number=11, colour=RED)
        for _ in range(10):
            told = {**named(12, "Ada"), **named(11, "Bob")}
            decision = here.frame(ada, bob, attributes=told)
        assert decision.subjects == (12,)

    def test_when_two_meet_and_the_tracker_mixes_them_up(self) -> None:
        here = scene(Choice(tracker_id=1))
        for k in range(50):
            here.frame(
                Found(400 + 4 * k, number=1, colour=RED), Found(800 - 4 * k, number=2, colour=GREEN)
            )
        for k in range(50):  # their numbers are exchanged where they meet
            decision = here.frame(
                Found(600 - 4 * k, number=1, colour=GREEN), Found(600 + 4 * k, number=2, colour=RED)
            )
        assert decision.subjects == (2,)
        assert decision.target.x == 600 + 4 * 49

    def test_by_its_face_while_the_rest_is_not_found(self) -> None:
        here = scene()
        here.last(1, Found(640, number=1), Found(640, 290, 40, 50, "face", number=5))
        decision = here.frame(Found(646, 290, 40, 50, "face", number=5))
        assert decision.target.x == pytest.approx(646)
        assert decision.target.y == 400

    def test_whose_face_is_not_found_has_it_for_a_moment_where_it_was(self) -> None:
        """Of somebody higher than the shot, the face is in the upper third, else the top."""
        here = scene()
        here.field = Field(AREA, 4.0)
        face = Found(640, 420, 60, 80, "face")
        seen = here.last(1, Found(640, 360, 200, 700, number=1), face).target
        turned = here.last(0.3, Found(660, 370, 200, 700, number=1)).target
        assert (turned.keep.left, turned.keep.top) == (seen.keep.left + 20, seen.keep.top + 10)
        assert here.last(0.5, Found(660, 370, 200, 700, number=1)).target.keep.top < 30
