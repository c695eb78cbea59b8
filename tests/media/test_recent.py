"""Rates and intervals of the last seconds."""

import pytest

from livelens.clock import NS_PER_S
from livelens.media.recent import Intervals, Throughput


def test_throughput_is_of_the_last_seconds_only() -> None:
    rate, second = Throughput(), NS_PER_S
    assert rate.bps(0) == 0
    for tick in range(100):  # 10 s of 1000 octets every 0.1 s
        rate.add(1000, tick * second // 10)
    assert rate.bps(99 * second // 10) == pytest.approx(80_000, rel=0.1)
    assert rate.bps(20 * second) == 0, "nothing came of late"
    rate.add(1000, 20 * second)
    assert rate.bps(20 * second) == pytest.approx(8000 / 3, rel=0.01)


def test_intervals_are_the_mean_of_the_last_five() -> None:
    keyframes = Intervals()
    keyframes.note(0)
    assert keyframes.mean_s is None
    for at_s in (10, 11, 12, 13, 14, 15):
        keyframes.note(at_s * NS_PER_S)
    assert keyframes.mean_s == 1.0
