"""The camera operator: how it follows, stands, cuts, and keeps its limits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from livelens.framing.cost import cost
from livelens.framing.geometry import Field, Rect, Shot, Target
from livelens.framing.motion import Motion
from livelens.framing.operator import Operator
from tests.framing.subjects import FIELD, NS, filmed, moving, target

WIDE = Field(Rect(0.0, 0.0, 2000.0, 360.0), 9 / 16)


def walk(t: float) -> float:
    """Stands, walks, stands."""
    return 200.0 + 60.0 * min(max(t - 1.0, 0.0), 4.0)


def middles(shots: list[Shot]) -> list[float]:
    return [shot.view.x for shot in shots]


def cuts(shots: list[Shot]) -> list[int]:
    return [i for i, shot in enumerate(shots) if i and shot.cut]


def whole(shots: list[Shot], targets: list[Target]) -> list[bool]:
    return [
        shot.view.left <= each.keep.left + 1e-6 and each.keep.right <= shot.view.right + 1e-6
        for shot, each in zip(shots, targets, strict=True)
    ]


def test_it_stands_while_the_subject_does() -> None:
    shots = filmed(Operator(Motion()), moving(lambda t: 300 + math.sin(95 * t), 3.0))
    assert {shot.view for shot in shots} == {shots[0].view}
    assert [shot.cut for shot in shots] == [True] + [False] * (len(shots) - 1)


def test_it_follows_to_the_subject_and_shows_all_of_it() -> None:
    targets = moving(walk, 9.0)
    shots = filmed(Operator(Motion()), targets)
    assert not cuts(shots)
    assert all(whole(shots, targets))
    assert shots[-1].view.x == pytest.approx(targets[-1].x, abs=0.03 * FIELD.widest)
    assert np.ptp(middles(shots[-15:])) < 0.2


def test_it_moves_across_and_down_and_closer() -> None:
    field = Field(Rect(0.0, 0.0, 640.0, 360.0), 1.0)
    targets = [target(i / 30, 200 + 2 * i, 100 + i / 2, size=0.5) for i in range(120)]
    targets = [replace(each, size=1.0) if i < 30 else each for i, each in enumerate(targets)]
    shots = filmed(Operator(Motion()), targets, field=field)
    assert shots[0].view.height == 360
    assert shots[-1].view.height == pytest.approx(180, rel=0.05)
    assert shots[-1].view.x == pytest.approx(targets[-1].x, abs=20)
    assert shots[-1].view.y == pytest.approx(targets[-1].y, abs=20)


@pytest.mark.parametrize("fps", [15.0, 60.0])
def test_the_path_is_the_same_at_any_frame_rate(fps: float) -> None:
    def way(t: float) -> float:
        return walk(t) + 8 * math.sin(2 * t)

    usual, other = moving(way, 8.0, 30.0), moving(way, 8.0, fps)
    times = [each.pts_ns for each in usual]
    path = np.array(middles(filmed(Operator(Motion()), usual)))
    same = np.interp(
        times, [each.pts_ns for each in other], middles(filmed(Operator(Motion()), other))
    )
    assert np.abs(path - same).max() < 0.02 * FIELD.widest


def test_the_path_is_the_same_through_drops() -> None:
    targets = moving(walk, 8.0)
    kept = [each for i, each in enumerate(targets) if i % 10 < 6]
    path = np.array(middles(filmed(Operator(Motion()), targets)))
    same = np.interp(
        [each.pts_ns for each in targets],
        [each.pts_ns for each in kept],
        middles(filmed(Operator(Motion()), kept)),
    )
    assert np.abs(path - same).max() < 0.03 * FIELD.widest


def test_it_keeps_its_limits() -> None:
    motion = Motion(max_speed=0.5, max_acceleration=0.6, cuts=False)
    shots = filmed(Operator(motion), moving(lambda t: 300 + 300 * (t > 1), 6.0, 50.0), field=WIDE)
    speed = np.diff(middles(shots)) * 50 / WIDE.widest
    acceleration = np.diff(speed) * 50
    assert 0.4 < np.abs(speed).max() < 0.5 * 1.02
    assert 0.4 < np.abs(acceleration).max() < 0.6 * 1.02


def test_it_zooms_no_faster_than_it_may() -> None:
    targets = [target(i / 30, 300, size=1.0 if i < 30 else 0.3) for i in range(150)]
    shots = filmed(Operator(Motion(max_zoom_rate=0.5, cuts=False)), targets)
    sizes = np.array([shot.view.height / 360 for shot in shots])
    rates = np.abs(np.diff(np.log(sizes))) * 30
    assert math.log(1.4) < rates.max() < math.log(1.5) * 1.02
    assert sizes[-1] < 0.5


def test_it_cuts_where_no_pan_could_follow() -> None:
    targets = moving(lambda t: 200.0 if t < 2 else 1200.0, 4.0)
    shots = filmed(Operator(Motion()), targets, field=WIDE)
    assert len(cuts(shots)) == 1
    assert 60 <= cuts(shots)[0] <= 64
    assert all(whole(shots, targets)[65:])
    assert np.ptp(middles(shots[:60])) == 0


def test_it_does_not_begin_to_pan_before_a_jump_that_it_sees_ahead() -> None:
    targets = moving(lambda t: 200.0 if t < 2 else 1200.0, 4.0)
    shots = filmed(Operator(Motion()), targets, 1.0, WIDE)
    assert cuts(shots) == [60]
    assert np.ptp(middles(shots[:60])) == 0
    assert all(whole(shots, targets))


def test_it_does_not_cut_for_one_bad_frame() -> None:
    targets = moving(lambda t: 900.0 if round(t * 30) == 45 else 200.0, 4.0)
    shots = filmed(Operator(Motion()), targets, field=WIDE)
    assert not cuts(shots)
    assert np.ptp(middles(shots)) < 0.1 * WIDE.widest


def test_it_pans_where_a_cut_is_not_wanted() -> None:
    targets = moving(lambda t: 200.0 if t < 2 else 1200.0, 9.0)
    targets[90] = replace(targets[90], cut=True)
    shots = filmed(Operator(Motion(cuts=False)), targets, field=WIDE)
    assert not cuts(shots)
    assert shots[-1].view.x == pytest.approx(1200, abs=10)


@pytest.mark.parametrize("lookahead_s", [0.0, 0.5])
def test_it_cuts_when_the_scene_does(lookahead_s: float) -> None:
    targets = moving(lambda t: 200.0 if t < 1 else 230.0, 2.0)
    targets[30] = replace(targets[30], cut=True)
    shots = filmed(Operator(Motion()), targets, lookahead_s)
    assert cuts(shots) == [30]
    assert np.ptp(middles(shots[:30])) == 0
    assert shots[30].view.x == pytest.approx(230, abs=1)


def test_it_begins_where_the_camera_before_it_looked() -> None:
    start = Rect(50.0, 0.0, 252.5, 360.0)
    shots = filmed(Operator(Motion(), start), moving(lambda t: 200.0, 3.0))
    assert not any(shot.cut for shot in shots)
    assert shots[0].view.left == pytest.approx(50)
    assert shots[-1].view.x == pytest.approx(200, abs=0.05 * FIELD.widest)


def test_another_scene_begins_at_the_subject_wherever_the_camera_looked() -> None:
    targets = [replace(target(0.0, 500), cut=True)]
    shots = filmed(Operator(Motion(), Rect(50.0, 0.0, 252.5, 360.0)), targets)
    assert shots[0].cut
    assert shots[0].view.x == pytest.approx(500)


def test_what_it_sees_ahead_makes_the_path_better() -> None:
    targets = moving(lambda t: 300 + 80 * math.sin(1.7 * t) * (t > 1), 8.0)
    motion = Motion()
    costs = [
        cost(FIELD, targets, filmed(Operator(motion), targets, each), motion)
        for each in (0.0, 0.25, 0.5, 1.0)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.6 * costs[0]


def test_a_subject_too_large_for_the_shot_fills_it() -> None:
    targets = [target(i / 30, 300, width=400) for i in range(30)]
    for shot in filmed(Operator(Motion()), targets):
        assert shot.view.left >= 100
        assert shot.view.right <= 500


def test_a_shot_as_large_as_the_picture_is_the_picture() -> None:
    field = Field(Rect(0.0, 0.0, 640.0, 360.0), 16 / 9)
    for shot in filmed(Operator(Motion()), moving(walk, 2.0), field=field):
        assert shot.view == field.area


def test_padding_shows_what_does_not_fit() -> None:
    field = Field(Rect(0.0, 0.0, 640.0, 360.0), 9 / 16, padding=True)
    targets = [target(i / 30, 300, size=2.0, width=380) for i in range(30)]
    shots = filmed(Operator(Motion()), targets, field=field)
    assert all(whole(shots, targets))
    assert shots[-1].view.height == 360


def test_it_begins_anew_after_a_gap_and_when_time_goes_back() -> None:
    operator = Operator(Motion())
    times_s = [0.0, 0.04, 60.0, 60.04, 2.0, 2.04]
    shots = []
    for i, pts_s in enumerate(times_s):
        operator.see(FIELD, target(pts_s, 150 + 40 * i))
        shots.append(operator.at(round(pts_s * NS)))
    assert [shot.cut for shot in shots] == [True, False, True, False, True, False]


def test_another_picture_is_another_shot_and_a_border_is_not() -> None:
    operator = Operator(Motion())
    fields = [
        FIELD,
        Field(Rect(0.0, 2.0, 640.0, 358.0), 9 / 16),
        Field(Rect(0.0, 0.0, 1280.0, 720.0), 9 / 16),
        Field(Rect(0.0, 0.0, 1280.0, 720.0), 1.0),
    ]
    shots = []
    for i, field in enumerate(fields):
        operator.see(field, target(i / 30, 300))
        shots.append(operator.at(round(i / 30 * NS)))
        assert (shots[i].view.width, shots[i].view.height) == pytest.approx(field.size_px(1.0))
    assert [shot.cut for shot in shots] == [True, False, True, True]


def test_it_must_see_before_it_looks() -> None:
    with pytest.raises(ValueError, match="must see before"):
        Operator(Motion()).at(0)
