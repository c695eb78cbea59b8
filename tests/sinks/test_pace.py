"""Which pictures are left out."""

from livelens.clock import NS_PER_S
from livelens.sinks.pace import Pace


def kept(fps: float | None, times_s: list[float]) -> int:
    pace = Pace(fps)
    return sum(not pace.leaves_out(round(time_s * NS_PER_S)) for time_s in times_s)


def test_so_many_a_second_and_all_without_a_limit() -> None:
    times_s = [n / 60 for n in range(120)]
    assert kept(15, times_s) == 30
    assert kept(None, times_s) == 120


def test_a_jittering_camera_keeps_its_rate() -> None:
    times_s = [n / 30 + (0.006 if n % 2 else 0.0) for n in range(90)]
    assert kept(30, times_s) == 90


def test_after_a_gap_nothing_is_made_up_for() -> None:
    assert kept(10, [0.0, *(5 + n / 60 for n in range(60))]) < 15
