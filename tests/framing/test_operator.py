"""The camera operator."""

import math

import pytest

from livelens.framing.motion import Motion
from livelens.framing.operator import Operator
from tests.framing.subjects import FIELD, filmed, moving


def walk(t: float) -> float:
    """Stands, walks, stands."""
    return 200.0 + 60.0 * min(max(t - 1.0, 0.0), 4.0)


def test_it_stands_while_the_subject_does() -> None:
    shots = filmed(Operator(Motion()), moving(lambda t: 300 + math.sin(9 * t), 3.0))
    assert {shot.view for shot in shots} == {shots[0].view}
    assert [shot.cut for shot in shots] == [True] + [False] * (len(shots) - 1)


def test_it_follows_to_the_subject_and_shows_all_of_it() -> None:
    targets = moving(walk, 8.0)
    shots = filmed(Operator(Motion()), targets)
    assert not any(shot.cut for shot in shots[1:])
    for shot, each in zip(shots, targets, strict=True):
        assert shot.view.left <= each.keep.left
        assert shot.view.right >= each.keep.right
    assert shots[-1].view.x == pytest.approx(targets[-1].x, abs=0.06 * FIELD.widest)
