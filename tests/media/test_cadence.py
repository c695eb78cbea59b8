"""How many pictures really come per second."""

import pytest

from livelens.clock import NS_PER_S
from livelens.media.cadence import Cadence


def fed(cadence: Cadence, fps: float, seconds: float, start_ns: int = 0) -> tuple[int, int]:
    """Feed pictures at a rate; returns how often the assumption changed, and the last pts."""
    count = round(fps * seconds)
    times = [start_ns + round(n * NS_PER_S / fps) for n in range(1, count + 1)]
    return sum(cadence.note(pts_ns) for pts_ns in times), times[-1]


@pytest.mark.parametrize("fps", [30, 29.97, 25])
def test_a_rate_near_the_nominal_changes_nothing(fps: float) -> None:
    cadence = Cadence(30)
    assert fed(cadence, fps, 20)[0] == 0
    assert cadence.fps == 30


@pytest.mark.parametrize("fps", [19, 10, 5, 3])
def test_a_slow_stream_is_noticed_once(fps: float) -> None:
    cadence = Cadence(30)
    assert fed(cadence, fps, 20)[0] == 1
    assert cadence.fps == pytest.approx(fps, rel=0.02)


def test_a_faster_stream_is_followed_up_to_the_nominal_rate() -> None:
    cadence = Cadence(30)
    _, last_ns = fed(cadence, 5, 20)
    assert fed(cadence, 60, 30, last_ns)[0] >= 1
    assert cadence.fps == 30


def test_an_unsteady_stream_costs_a_change_in_ten_seconds_at_most() -> None:
    cadence, pts_ns, changes = Cadence(30), 0, 0
    for turn in range(20):
        more, pts_ns = fed(cadence, 5 if turn % 2 else 30, 3, pts_ns)
        changes += more
    assert changes <= 7


def test_a_gap_is_no_slow_stream() -> None:
    cadence = Cadence(30)
    fed(cadence, 30, 5)
    assert not cadence.note(60 * NS_PER_S)
    assert fed(cadence, 30, 5, 60 * NS_PER_S)[0] == 0
