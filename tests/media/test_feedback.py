"""Reports are read back with a decoder of their own, written from the draft."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from livelens.media.feedback import ArrivalLog

MS = 1_000_000


def read(packet: bytes) -> tuple[int, dict[int, int | None], int]:
    """(base, arrival in 250 us ticks or None by 16-bit number, report number)."""
    first, kind, words = struct.unpack_from("!BBH", packet)
    assert (first & 0x1F, kind, (words + 1) * 4) == (15, 205, len(packet))
    _, _, base, count, last = struct.unpack_from("!IIHHI", packet, 4)
    position = 20
    statuses: list[int] = []
    while len(statuses) < count:
        (chunk,) = struct.unpack_from("!H", packet, position)
        position += 2
        if chunk >> 15 == 0:
            statuses += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk >> 14 & 1:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    time = (last >> 8) * 256
    found: dict[int, int | None] = {}
    for place, status in enumerate(statuses[:count]):
        if status == 1:
            time += packet[position]
            position += 1
        elif status == 2:
            time += struct.unpack_from("!h", packet, position)[0]
            position += 2
        found[base + place & 0xFFFF] = time if status else None
    padding = packet[-1] if first & 0x20 else 0
    assert position + padding == len(packet)
    return base, found, last & 0xFF


def test_arrivals_and_losses_are_told() -> None:
    log = ArrivalLog(1)
    for seq, at_ms in ((10, 1000), (11, 1001), (14, 1005)):
        log.add(seq, at_ms * MS)
    (packet,) = log.report(2)
    _, found, number = read(packet)
    assert found == {10: 4000, 11: 4004, 12: None, 13: None, 14: 4020}
    assert number == 0
    assert log.report(2) == []


def test_a_loss_between_two_reports_is_told_in_the_second() -> None:
    log = ArrivalLog(1)
    log.add(65_534, 0)
    log.report(2)
    log.add(1, 5 * MS)
    (packet,) = log.report(2)
    base, found, number = read(packet)
    assert (base, number) == (65_535, 1)
    assert found == {65_535: None, 0: None, 1: 20}


@given(
    st.dictionaries(st.integers(0, 300), st.integers(0, 20_000), min_size=1, max_size=120),
    st.sampled_from([0, 65_400]),
)
def test_every_arrival_is_told_to_within_a_tick(arrivals: dict[int, int], first: int) -> None:
    log = ArrivalLog(1)
    # The first number is where the log begins to count from.
    for seq in sorted(arrivals):
        log.add(first + seq & 0xFFFF, arrivals[seq] * MS)
    told: dict[int, int] = {}
    for packet in log.report(2):
        told |= {seq: at for seq, at in read(packet)[1].items() if at is not None}
    assert set(told) == {first + seq & 0xFFFF for seq in arrivals}
    for seq, at_ms in arrivals.items():
        ticks = told[first + seq & 0xFFFF]
        assert abs(ticks - at_ms * 4) <= 1
