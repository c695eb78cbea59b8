"""Where in the shot the chosen belong."""

import itertools
import math
import random

import pytest

from livelens.clock import NS_PER_S
from livelens.framing.composition import Composer, Composition, Shown
from livelens.framing.geometry import Field, Rect, Target

from .scenes import AREA, UPRIGHT

PLAIN = Composition(max_zoom=1, headroom=0, lead_room=0)
WIDE = Field(AREA, 16 / 9)


def person(
    x: float, y: float = 400, width: float = 100, height: float = 300, **more: object
) -> Shown:
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Shown(box, "person", **more)  # type: ignore[arg-type]


def view(target: Target, field: Field) -> Rect:
    """What the camera shows once it is there."""
    width, height = field.size_px(target.size)
    left = min(max(target.x - width / 2, field.area.left), field.area.right - width)
    top = min(max(target.y - height / 2, field.area.top), field.area.bottom - height)
    return Rect(left, top, left + width, top + height)


class Steady:
    """Composes frame after frame at 25 fps."""

    def __init__(self, composition: Composition | None = None, field: Field = UPRIGHT) -> None:
        self.composer, self.field, self.frame = Composer(composition or Composition()), field, 0

    def __call__(
        self, *shown: Shown, protected: tuple[Rect, ...] = (), still: bool = False
    ) -> Target:
        self.frame += 1
        return self.composer.target(
            self.frame * NS_PER_S // 25, shown, self.field, protected=protected, still=still
        )

    def long(self, *shown: Shown, seconds: float = 6) -> Target:
        targets = [self(*shown) for _ in range(round(25 * seconds))]
        return targets[-1]


def test_plain_is_the_middle() -> None:
    target = Steady(PLAIN)(person(333.25, 345.5))
    assert (target.x, target.y, target.size) == (333.25, 345.5, 1.0)


def test_fill_says_how_close() -> None:
    target = Steady(Composition(fill=0.5, max_zoom=8), WIDE).long(person(640, height=180))
    assert 180 / view(target, WIDE).height == pytest.approx(0.5, rel=0.09)


def test_of_the_width_if_that_is_more() -> None:
    target = Steady(Composition(fill=0.5, max_zoom=8), WIDE).long(person(640, width=400, height=80))
    assert 400 / view(target, WIDE).width == pytest.approx(0.5, rel=0.09)


def test_max_zoom_is_the_closest() -> None:
    assert Steady(Composition(max_zoom=3)).long(person(640, width=10, height=20)).size == 1 / 3


def test_boxes_that_jitter_do_not_make_the_zoom_breathe() -> None:
    steady, dice = Steady(Composition(fill=0.5)), random.Random(1)
    steady.long(person(640))
    sizes = {round(steady(person(640, height=300 + dice.gauss(0, 8))).size, 6) for _ in range(250)}
    assert len(sizes) == 1


def test_nor_do_steps_and_gestures() -> None:
    steady = Steady(Composition(fill=0.5))
    steady.long(person(640))
    sizes = [
        steady(person(640, height=300 + 40 * math.sin(k / 25 * 2 * math.pi * 1.5))).size
        for k in range(250)
    ]
    assert max(sizes[100:]) / min(sizes[100:]) < 1.01


def test_who_comes_nearer_is_shown_wider_in_no_steps() -> None:
    steady = Steady(Composition(fill=0.5))
    steady.long(person(640, height=200))
    sizes = [steady(person(640, height=200 + k)).size for k in range(200)]
    assert sizes[-1] > sizes[0] * 1.4
    assert max(abs(math.log(b / a)) for a, b in itertools.pairwise(sizes)) < 0.01


def test_room_above() -> None:
    target = Steady(Composition(headroom=0.1, fill=0.9, max_zoom=8)).long(person(640))
    shot = view(target, UPRIGHT)
    assert (250 - shot.top) / shot.height == pytest.approx(0.1, abs=0.04)
    assert shot.bottom > 550  # not at the price of the feet


def test_the_head_of_somebody_small_is_near_the_upper_third() -> None:
    field = Field(Rect(0, 0, 4000, 4000), 1.0)
    composition = Composition(headroom=0.1, max_zoom=1)
    target = Steady(composition, Field(field.area, 16 / 9)).long(person(2000, 2000))
    shot = view(target, Field(field.area, 16 / 9))
    head = 2000 - 150 + 0.065 * 300
    assert (head - shot.top) / shot.height == pytest.approx(1 / 3, abs=0.02)


def test_a_thing_has_no_head() -> None:
    ball = Shown((600, 380, 640, 420), "ball")
    assert Steady(Composition(headroom=0.1)).long(ball).y == 400


class TestLeadRoom:
    """Room in front of who moves."""

    FAST = 120.0

    def test_in_the_direction_of_motion(self) -> None:
        composition = Composition(lead_room=0.1, max_zoom=1)
        right = Steady(composition).long(person(640, speed=self.FAST)).x - 640
        left = Steady(composition).long(person(640, speed=-self.FAST)).x - 640
        assert right == pytest.approx(0.1 * UPRIGHT.widest, rel=0.01)
        assert left == pytest.approx(-right)

    def test_not_at_the_price_of_the_subject(self) -> None:
        composition = Composition(lead_room=0.5, max_zoom=1)
        target = Steady(composition).long(person(640, width=300, speed=self.FAST))
        assert view(target, UPRIGHT).left < 640 - 150

    def test_turns_slowly(self) -> None:
        steady = Steady(Composition(lead_room=0.1, max_zoom=1))
        before = steady.long(person(640, speed=self.FAST)).x
        assert abs(steady(person(640, speed=-self.FAST)).x - before) < 0.02 * UPRIGHT.widest

    def test_not_for_a_stroll(self) -> None:
        assert Steady(Composition(lead_room=0.1)).long(person(640, speed=2)).x == 640

    def test_stays_when_nothing_new_is_known(self) -> None:
        steady = Steady(Composition(lead_room=0.1))
        before = steady.long(person(640, speed=self.FAST))
        for _ in range(50):
            now = steady(person(640, speed=0), still=True)
        assert (now.x, now.y, now.size) == (before.x, before.y, before.size)


class TestTooLarge:
    """A subject larger than the crop: the head, not the belt."""

    FIELD = Field(AREA, 16 / 4)  # 1280 × 320

    @pytest.mark.parametrize("headroom", [0.0, 0.1])
    def test_the_top_of_a_person(self, headroom: float) -> None:
        target = Steady(Composition(headroom=headroom), self.FIELD).long(person(640, 360, 200, 700))
        shot = view(target, self.FIELD)
        assert shot.top <= 10
        assert target.keep.top == pytest.approx(10, abs=7)
        assert target.keep.height < shot.height

    def test_the_face(self) -> None:
        face = (590.0, 120.0, 690.0, 240.0)
        target = Steady(None, self.FIELD).long(person(640, 360, 200, 700, face=face))
        shot = view(target, self.FIELD)
        assert shot.top < target.keep.top < 120
        assert shot.bottom > target.keep.bottom > 240
        assert (180 - shot.top) / shot.height == pytest.approx(1 / 3, abs=0.1)

    def test_the_side_where_the_face_is(self) -> None:
        face = (950.0, 200.0, 1050.0, 300.0)
        lying = Shown((100, 150, 1100, 450), "person", face)
        shot = view(Steady().long(lying), UPRIGHT)
        assert shot.left < 950
        assert shot.right > 1050

    def test_the_middle_of_a_thing(self) -> None:
        car = Shown((540, 10, 740, 710), "other")
        assert Steady(None, self.FIELD).long(car).y == 360

    def test_growing_beyond_the_crop_makes_no_jump(self) -> None:
        steady = Steady(Composition(max_zoom=1), self.FIELD)
        ys = [steady(person(640, 30 + h / 2, 80, h)).y for h in range(200, 500)]
        assert max(abs(b - a) for a, b in itertools.pairwise(ys)) < 3

    def test_is_shown_whole_where_padding_is_allowed(self) -> None:
        padded = Field(AREA, 9 / 16, padding=True)
        target = Steady(PLAIN, padded).long(person(640, width=700, height=300))
        assert 1 < target.size <= padded.largest
        assert view(target, padded).width >= 700

    def test_padding_is_not_for_what_fits(self) -> None:
        padded = Field(AREA, 9 / 16, padding=True)
        assert Steady(PLAIN, padded).long(person(640, width=300)).size <= 1


def test_a_group_is_shown_with_all_of_it_inside() -> None:
    target = Steady(Composition(fill=0.9)).long(person(500), person(700), person(600, 350))
    shot = view(target, UPRIGHT)
    assert shot.left < 450
    assert shot.right > 750
    assert target.x == 600


def test_a_face_alone_is_shown_with_its_shoulders() -> None:
    face = Shown((600, 200, 680, 300), "face")
    target = Steady(Composition(fill=0.6, max_zoom=8)).long(face)
    shot = view(target, UPRIGHT)
    assert shot.top < 190
    assert shot.height > 2.5 * 100


def test_the_margin_is_kept_where_there_is_a_picture() -> None:
    keep = Steady(Composition(margin=0.02, max_zoom=1))(person(60, 360)).keep
    assert keep.left == pytest.approx(10 - 0.02 * 405)
    assert Steady(Composition(margin=0.02, max_zoom=1))(person(52, 360)).keep.left == 0


class TestLogos:
    """Wholly in or wholly out."""

    def shot(self, x: float, *logos: Rect, width: float = 100) -> Rect:
        return view(Steady(PLAIN)(person(x, width=width), protected=logos), UPRIGHT)

    @pytest.mark.parametrize("x", range(300, 900, 10))
    def test_never_cut_through(self, x: int) -> None:
        logo = Rect(600, 20, 700, 80)
        shot = self.shot(x, logo)
        out = shot.right <= 600.5 or shot.left >= 699.5
        inside = shot.left <= 600.5 and shot.right >= 699.5
        assert out or inside
        assert shot.left < x - 50
        assert shot.right > x + 50

    def test_the_nearer_way(self) -> None:
        logo = Rect(600, 20, 700, 80)
        assert self.shot(600 - 202.5 + 20, logo).right == pytest.approx(600)
        assert self.shot(700 - 202.5 - 20, logo).right == pytest.approx(700)

    def test_not_at_the_price_of_the_subject(self) -> None:
        logo = Rect(600, 20, 1000, 80)
        shot = self.shot(640, logo, width=360)
        assert shot.left <= 460
        assert shot.right >= 820

    def test_does_not_swing_between_in_and_out(self) -> None:
        logo, steady = Rect(600, 20, 700, 80), Steady(PLAIN)
        middle = 650 - 202.5
        xs = [
            steady(person(middle + 4 * math.sin(k), width=60), protected=(logo,)).x
            for k in range(200)
        ]
        assert max(abs(b - a) for a, b in itertools.pairwise(xs)) < 1

    def test_where_the_picture_ends_nothing_is_lost(self) -> None:
        logo = Rect(0, 20, 30, 80)
        assert self.shot(20, logo).left == 0
