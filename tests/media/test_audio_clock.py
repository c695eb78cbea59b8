import random

import pytest

from livelens.clock import NS_PER_S
from livelens.media.audio_clock import CaptureLine, PublisherClock, audio_ticks, media_time_ns
from livelens.media.clock_offset import ClockOffset

MS = 1_000_000
PACKET = 960  # 20 ms


def test_an_offset_is_the_mean_of_its_readings() -> None:
    chance = random.Random(1)
    offset = ClockOffset(32)
    for _ in range(200):
        offset.note(5 * NS_PER_S + chance.randrange(-10 * MS, 10 * MS), 0)
    assert offset.ns == pytest.approx(5 * NS_PER_S, abs=5 * MS)


def test_single_readings_that_stray_do_not_move_an_offset() -> None:
    offset = ClockOffset(32)
    for number in range(100):
        offset.note(NS_PER_S * 10 if number % 9 == 5 else 7 * MS, number * NS_PER_S)
    assert offset.ns == 7 * MS


def test_a_clock_that_was_set_anew_is_followed() -> None:
    offset = ClockOffset(32)
    offset.note(0, 0)
    for number in range(11):
        assert offset.ns == 0
        offset.note(40 * NS_PER_S, number * 100 * MS)
        assert offset.straying == (number < 10)
    assert offset.ns == offset.moved_ns == 40 * NS_PER_S


def test_a_drifting_clock_is_followed() -> None:
    offset = ClockOffset(64)
    for number in range(50_000):  # 1000 s at 100 ppm
        offset.note(number * 2000, number * 20 * MS)
    assert offset.ns == pytest.approx(49_999 * 2000, abs=MS)


def heard(line: CaptureLine, *, first: int, count: int, late_ns: int) -> list[int]:
    """Captured minus sent, in nanoseconds, of packets that take `late_ns`."""
    found = []
    for number in range(first, first + count):
        sent_ns = number * 20 * MS
        found.append(line.captured_ns(number * PACKET, sent_ns + late_ns) - sent_ns)
    return found


def test_without_reports_a_sound_was_captured_when_it_arrived() -> None:
    line = CaptureLine(PublisherClock())
    assert set(heard(line, first=0, count=10, late_ns=3 * MS)) == {3 * MS}


def test_a_sound_is_placed_by_its_distance_from_the_pictures() -> None:
    """Pictures take 80 ms to get here, sounds 5 ms: what belongs together must stay so."""
    unix_ns = 1_700_000_000 * NS_PER_S  # the publisher's date at host time 0
    clock = PublisherClock()
    for number in range(30):
        at_ns = number * 33 * MS
        clock.note(unix_ns + at_ns, at_ns + 80 * MS)
    line = CaptureLine(clock)
    heard(line, first=0, count=50, late_ns=5 * MS)
    line.report(unix_ns + 40 * 20 * MS, 40 * PACKET)
    assert set(heard(line, first=50, count=50, late_ns=5 * MS)) == {80 * MS}


@pytest.mark.parametrize("off_s", [-3600, -1, 1, 3600, 10**9])
def test_reports_that_cannot_be_are_not_believed(off_s: int) -> None:
    clock = PublisherClock()
    clock.note(1_700_000_000 * NS_PER_S, 0)
    line = CaptureLine(clock)
    line.report((1_700_000_000 + off_s) * NS_PER_S, 0)
    assert set(heard(line, first=0, count=30, late_ns=5 * MS)) == {5 * MS}


def test_ticks_and_nanoseconds() -> None:
    assert media_time_ns(48_000) == NS_PER_S
    assert audio_ticks(NS_PER_S) == 48_000
