"""From sightings to latencies."""

import pytest

from livelens.bench.browser import Sighting
from livelens.bench.sightings import CAMERA, backward_steps, describe, first_sightings, latencies

STEP = 1000 / 30
LOOP = 150


def camera(count: int, skip: frozenset[int] = frozenset()) -> list[Sighting]:
    return [Sighting("track", CAMERA, n * STEP, n % LOOP) for n in range(count) if n not in skip]


def back(numbers: list[int], delay_ms: float) -> list[Sighting]:
    return [Sighting("track", 0, n * STEP + delay_ms, n % LOOP) for n in numbers]


def test_latency_is_told_for_every_picture_over_many_loops() -> None:
    found = latencies(camera(600), back(list(range(600)), 87), LOOP * STEP)
    assert len(found) == 600
    assert all(latency == pytest.approx(87) for _, latency in found)


def test_a_picture_missed_on_its_way_out_is_not_taken_for_one_a_loop_older() -> None:
    sent = camera(600, skip=frozenset({300, 301, 302}))
    found = latencies(sent, back(list(range(200, 600)), 87), LOOP * STEP)
    assert len(found) == 397
    assert max(latency for _, latency in found) == pytest.approx(87)


def test_a_growing_delay_is_followed_beyond_the_length_of_the_loop() -> None:
    returned = [Sighting("track", 0, n * STEP + 10 * n, n % LOOP) for n in range(900)]
    found = latencies(camera(900), returned, LOOP * STEP)
    assert found[-1][1] == pytest.approx(8990)


def test_repeated_pictures_count_once() -> None:
    seen = [Sighting("track", 0, at, number) for at, number in ((0, 1), (5, 1), (9, 2), (12, 1))]
    assert [s.number for s in first_sightings(seen)] == [1, 2, 1]


def test_only_steps_backward_count_not_the_turn_of_the_loop() -> None:
    assert backward_steps(back([147, 148, 149, 150, 151], 0), LOOP) == 0
    assert backward_steps(back([10, 12, 11, 13], 0), LOOP) == 1


def test_the_columns_tell_rate_drops_and_growth() -> None:
    seen = camera(900) + back(list(range(0, 900, 3)), 50)
    row = describe(seen, probe="track", session=0, fps=30, loop=LOOP)
    assert row is not None
    assert row["p50_ms"] == row["p99_ms"] == 50
    assert row["fps"] == pytest.approx(10, abs=0.1)
    assert row["camera_fps"] == pytest.approx(30, abs=0.1)
    assert row["drop_ratio"] == pytest.approx(2 / 3, abs=0.01)
    assert row["growth_ms_per_min"] == pytest.approx(0, abs=0.01)


def test_growth_is_told_per_minute() -> None:
    returned = [Sighting("track", 0, n * STEP + 50 + n / 30, n % LOOP) for n in range(900)]
    row = describe(camera(900) + returned, probe="track", session=0, fps=30, loop=LOOP)
    assert row is not None
    assert row["growth_ms_per_min"] == pytest.approx(60, rel=0.01)


def test_nothing_came_back() -> None:
    assert describe(camera(90), probe="track", session=0, fps=30, loop=LOOP) is None
    seen = camera(90) + back(list(range(90)), 50)
    assert describe(seen, probe="canvas", session=0, fps=30, loop=LOOP) is None
