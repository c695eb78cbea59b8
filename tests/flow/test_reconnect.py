"""When to try again."""

import pytest

from livelens.flow.reconnect import Backoff


@pytest.mark.parametrize(
    ("failures", "delay_s"), [(1, 0.25), (2, 0.5), (3, 1.0), (6, 8.0), (7, 10.0), (10_000, 10.0)]
)
def test_delays_double_up_to_the_ceiling(failures: int, delay_s: float) -> None:
    assert Backoff().delay_s(failures) == pytest.approx(delay_s)


def test_jitter_spreads_by_a_tenth() -> None:
    assert Backoff(first_s=1).delay_s(1, 0.0) == pytest.approx(0.9)
    assert Backoff(first_s=1).delay_s(1, 1.0) == pytest.approx(1.1)


def test_a_connection_that_lived_forgives() -> None:
    backoff = Backoff(forgive_after_s=5)
    assert backoff.failures_after(4, lived_s=1) == 5
    assert backoff.failures_after(4, lived_s=6) == 1
