"""Cameras along paths of subjects that are made up."""

import numpy as np
import pytest

from livelens.bench.framing.cameras import METHODS, Method, best, camera, cost_of, follow, targets
from livelens.bench.framing.metrics import centre_error, inside, rms
from livelens.bench.framing.subjects import Subject

COUNT = 60
TALL = 9 / 16


def subject(x: np.ndarray, *, unseen: slice = slice(0, 0)) -> Subject:
    """A person 40 px wide in a picture of 640×360 at 25 fps."""
    truth = np.column_stack([x - 20, np.full(COUNT, 50.0), x + 20, np.full(COUNT, 300.0)])
    seen = truth.copy()
    seen[unseen] = np.nan
    frames = np.arange(COUNT)
    return Subject("made", "walker", (640, 360), frames, frames * 40_000_000, truth, seen)


WALK = subject(200 + 120 * np.clip((np.arange(COUNT) - 15) / 40, 0, 1))


@pytest.mark.parametrize("method", METHODS)
def test_every_camera_follows_within_the_picture(method: Method) -> None:
    took = follow(camera(method), WALK, TALL)
    views = took.path.views
    assert len(took.shots) == COUNT
    assert (views[:, 0] >= -1e-6).all()
    assert (views[:, 2] <= 640 + 1e-6).all()
    assert took.path.width_px == pytest.approx(360 * TALL)
    assert took.path.free == (True, False)
    assert views[-1, 0] > views[0, 0] + 30
    assert not took.path.cuts[1:].any()


def test_look_ahead_sees_what_comes() -> None:
    blind = follow(camera("operator"), WALK, TALL)
    ahead = follow(camera("operator"), WALK, TALL, 1.0)
    late, early = centre_error(blind.path, WALK.truth), centre_error(ahead.path, WALK.truth)
    assert late is not None
    assert early is not None
    assert early < late
    before = WALK.times_ns < 15 * 40_000_000
    assert np.ptp(blind.path.views[before, 0]) < 1
    assert np.ptp(ahead.path.views[before, 0]) > 1


def test_nothing_costs_less_than_the_optimum() -> None:
    least = best(WALK, TALL)
    cost = cost_of(least.shots, WALK, TALL)
    assert inside(least.path, WALK.truth) == 1
    for ahead_s in (0.0, 1.0):
        for method in METHODS:
            took = follow(camera(method), WALK, TALL, ahead_s)
            assert cost_of(took.shots, WALK, TALL) > cost
    jerk, average = rms(least.path, 3), rms(follow(camera("ema"), WALK, TALL).path, 3)
    assert jerk is not None
    assert average is not None
    assert jerk < average / 10


def test_where_nobody_is_seen_the_last_place_stays() -> None:
    hidden = subject(np.linspace(200, 400, COUNT), unseen=slice(10, 20))
    wanted = targets(hidden)
    assert {target.x for target in wanted[9:20]} == {wanted[9].x}
    assert wanted[20].x == pytest.approx(float(np.linspace(200, 400, COUNT)[20]))
    assert wanted[0].keep.width == 40
