"""The exponential average with a dead zone."""

import pytest

from livelens.framing.average import Average
from tests.framing.subjects import FIELD, filmed, moving, target


@pytest.mark.parametrize("fps", [7.0, 25.0, 30.0])
def test_it_does_what_systems_by_frames_do(fps: float) -> None:
    targets = moving(lambda t: 200 + 70 * t + (5 if round(t * fps) % 2 else 0), 4.0, fps)
    shots = filmed(Average(), targets)
    part, place = min(max(1 / fps, 0.01), 1.0), targets[0].x
    for shot, each in zip(shots, targets, strict=True):
        if abs(each.x - place) >= 10:
            place = (1 - part) * place + part * each.x
        middle = min(max(place, FIELD.widest / 2), FIELD.area.right - FIELD.widest / 2)
        assert shot.view.x == pytest.approx(middle)


def test_what_is_near_across_does_not_move_it_across() -> None:
    field_of_all_heights = [target(i / 30, 300 + 9 * (i > 5), 100 + 5 * i) for i in range(30)]
    assert len({shot.view.x for shot in filmed(Average(), field_of_all_heights)}) == 1
