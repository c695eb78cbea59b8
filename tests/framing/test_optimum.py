"""The best path of a whole clip."""

import math
from dataclasses import replace

import numpy as np
import pytest

from livelens.framing.cost import cost
from livelens.framing.geometry import Field, Rect
from livelens.framing.motion import Motion
from livelens.framing.operator import Operator
from livelens.framing.optimum import best_path
from tests.framing.subjects import FIELD, filmed, moving, target

MOTION = Motion()


@pytest.mark.parametrize("lookahead_s", [0.0, 0.25, 1.0])
def test_nothing_the_operator_does_costs_less(lookahead_s: float) -> None:
    field = Field(Rect(0.0, 0.0, 640.0, 360.0), 1.0)
    targets = moving(lambda t: 320 + 150 * math.sin(1.3 * t) * math.sin(0.4 * t), 6.0)
    targets = [
        replace(each, y=180 + 30 * math.sin(i / 20), size=1.0 if i < 90 else 0.6)
        for i, each in enumerate(targets)
    ]
    best = cost(field, targets, best_path(field, targets, MOTION), MOTION)
    shots = filmed(Operator(MOTION), targets, lookahead_s, field)
    assert 0 < best < cost(field, targets, shots, MOTION)


def test_it_moves_before_the_subject_does() -> None:
    targets = moving(lambda t: 200.0 + 80 * min(max(t - 2, 0), 3), 7.0)
    shots = best_path(FIELD, targets, MOTION)
    path = np.array([shot.view.x for shot in shots])
    assert path[60] > path[0] + 1
    assert np.abs(path - [each.x for each in targets]).max() < 0.15 * FIELD.widest


def test_it_pays_for_a_cut_when_that_is_worth_it() -> None:
    field = Field(Rect(0.0, 0.0, 2000.0, 360.0), 9 / 16)
    targets = moving(lambda t: 200.0 if t < 2 else 1500.0, 4.0)
    shots = best_path(field, targets, MOTION)
    assert [i for i, shot in enumerate(shots) if shot.cut] == [0, 60]
    still = best_path(field, targets, replace(MOTION, cuts=False))
    assert [i for i, shot in enumerate(still) if shot.cut] == [0]


def test_fields_may_change_and_no_view_is_outside() -> None:
    fields = [FIELD] * 40 + [Field(Rect(0.0, 40.0, 320.0, 200.0), 9 / 16, padding=True)] * 40
    targets = [target(i / 30, 10 * i, size=0.4 + i / 40) for i in range(80)]
    targets[60] = replace(targets[60], cut=True)
    shots = best_path(fields, targets, MOTION)
    for shot, field in zip(shots, fields, strict=True):
        assert field.area.left <= shot.view.left <= shot.view.right <= field.area.right
        assert field.area.top <= shot.view.top <= shot.view.bottom <= field.area.bottom
    assert {40, 60} <= {i for i, shot in enumerate(shots) if shot.cut}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
def test_short_clips(count: int) -> None:
    targets = [target(i / 30, 100 + 90 * i, size=1 - i / 10) for i in range(count)]
    assert len(best_path(FIELD, targets, MOTION)) == count


def test_it_says_what_does_not_fit_together() -> None:
    targets = [target(0.0, 100), target(0.0, 100)]
    with pytest.raises(ValueError, match="order of time"):
        best_path(FIELD, targets, MOTION)
    with pytest.raises(ValueError, match="1 fields for 2 targets"):
        best_path([FIELD], targets, MOTION)
    with pytest.raises(ValueError, match="0 shots for 1 targets"):
        cost(FIELD, targets[:1], [], MOTION)
