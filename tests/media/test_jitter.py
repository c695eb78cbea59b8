from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livelens.media.jitter import EncodedFrame, JitterBuffer, NackList
from livelens.media.payload import Start
from livelens.media.rtp import RtpPacket

MS = 1_000_000
KEY, DELTA, REST = b"K", b"D", b"R"


def start_of(payload: bytes) -> Start:
    kind = payload[:1]
    return Start(kind == KEY, kind == KEY, kind in (KEY, DELTA))


@dataclass
class Stream:
    """Frames of a made-up codec: `sizes[i]` packets each, a keyframe where i is in `keys`."""

    sizes: list[int]
    keys: set[int]
    first_seq: int = 0
    first_timestamp: int = 0

    def packets(self) -> list[RtpPacket]:
        packets = []
        seq = self.first_seq
        for number, size in enumerate(self.sizes):
            stamp = (self.first_timestamp + 3000 * number) & 0xFFFFFFFF
            for part in range(size):
                kind = REST if part else KEY if number in self.keys else DELTA
                payload = kind + f"{number}:{part}".encode()
                packets.append(RtpPacket(96, part == size - 1, seq, stamp, 1, payload))
                seq = (seq + 1) & 0xFFFF
        return packets

    def number(self, frame: EncodedFrame) -> int:
        """Which frame it is, having checked that it is whole."""
        number = int(frame.payloads[0][1:].split(b":")[0])
        assert [one[1:] for one in frame.payloads] == [
            f"{number}:{part}".encode() for part in range(self.sizes[number])
        ]
        assert frame.keyframe == (number in self.keys)
        return number


def finish(buffer: JitterBuffer, stream: Stream) -> list[int]:
    """What is still to be had, however long it takes."""
    return [stream.number(frame) for frame in buffer.expire(1 << 60)]


def run(buffer: JitterBuffer, stream: Stream, packets: list[RtpPacket]) -> list[int]:
    out: list[int] = []
    for at, packet in enumerate(packets):
        out += [stream.number(frame) for frame in buffer.add(packet, at * MS)[1]]
    return out


def test_a_frame_leaves_at_its_marker() -> None:
    stream = Stream([3, 2], {0})
    packets = stream.packets()
    assert run(JitterBuffer(start_of), stream, packets[:3]) == [0]
    assert run(JitterBuffer(start_of, early_release=False), stream, packets[:3]) == []
    assert run(JitterBuffer(start_of, early_release=False), stream, packets[:4]) == [0]


def test_captured_is_the_arrival_of_the_packet_that_came_first() -> None:
    first, second = Stream([2], {0}).packets()
    buffer = JitterBuffer(start_of)
    buffer.add(second, 5 * MS)
    (_, (frame,)) = buffer.add(first, 7 * MS)
    assert frame.captured_ns == 5 * MS


def test_nothing_comes_before_the_first_keyframe() -> None:
    stream = Stream([1, 2, 2, 1], {2})
    assert run(JitterBuffer(start_of), stream, stream.packets()) == [2, 3]


def test_a_lost_packet_holds_frames_up_until_it_comes_again() -> None:
    stream = Stream([1, 3, 1, 1], {0})
    packets = stream.packets()
    lost = packets.pop(2)
    buffer = JitterBuffer(start_of)
    assert run(buffer, stream, packets) == [0]
    assert run(buffer, stream, [lost]) == [1, 2, 3]


def test_after_a_loss_for_good_only_a_keyframe_goes_on() -> None:
    stream = Stream([1, 2, 1, 1, 2, 1], {0, 4})
    packets = stream.packets()
    del packets[1]
    buffer = JitterBuffer(start_of, recovery_ns=100 * MS)
    assert run(buffer, stream, packets[:4]) == [0]
    assert not buffer.waits_for_keyframe
    assert buffer.expire(50 * MS) == []
    assert buffer.expire(200 * MS) == []
    assert buffer.waits_for_keyframe
    assert run(buffer, stream, packets[4:]) == [4, 5]
    assert buffer.counts.restarts == 1


def test_a_whole_keyframe_is_not_kept_waiting_by_an_earlier_loss() -> None:
    stream = Stream([1, 2, 1, 2, 1], {0, 3})
    packets = stream.packets()
    del packets[1]
    buffer = JitterBuffer(start_of)
    assert run(buffer, stream, packets) == [0]
    assert [stream.number(frame) for frame in buffer.expire(30 * MS)] == [3, 4]


def test_a_probing_packet_without_payload_is_passed_over() -> None:
    stream = Stream([2, 1], {0})
    a, b, c = stream.packets()
    probe = RtpPacket(96, False, 2, b.timestamp, 1, b"")
    c.seq = 3
    assert run(JitterBuffer(start_of), stream, [a, b, probe, c]) == [0, 1]


def test_a_sender_that_begins_anew_is_followed() -> None:
    old, new = Stream([1] * 40, {0}, first_seq=30_000), Stream([1] * 80, set(range(80)))
    buffer = JitterBuffer(start_of)
    run(buffer, old, old.packets())
    assert run(buffer, new, new.packets())[-1] == 79


@pytest.mark.parametrize("early", [True, False])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_network_does_frames_come_whole_in_order_and_decodable(
    early: bool, data: st.DataObject
) -> None:
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=40))
    keys = data.draw(st.sets(st.integers(0, len(sizes) - 1)))
    stream = Stream(
        sizes,
        keys,
        data.draw(st.sampled_from([0, 65_530, 65_500])),
        data.draw(st.sampled_from([0, 2**32 - 9000])),
    )
    packets = stream.packets()
    count = len(packets)
    fates = data.draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
    # 0 is lost, 1 doubled, 2 to 4 come late.
    timed: list[tuple[float, RtpPacket]] = []
    for at, (packet, fate) in enumerate(zip(packets, fates, strict=True)):
        if fate != 0:
            timed.append((at + (fate - 1) * 3.5 if 2 <= fate <= 4 else at, packet))
        if fate == 1:
            timed.append((at + 2.5, packet))
    arrivals = [packet for _, packet in sorted(timed, key=lambda one: one[0])]
    buffer = JitterBuffer(start_of, early_release=early, capacity=256)
    out = run(buffer, stream, arrivals) + finish(buffer, stream)
    assert out == sorted(set(out))
    for before, after in zip([-1, *out], out, strict=False):
        assert after in keys or after == before + 1
    if 0 not in fates and keys and out and early:
        # Nothing was lost: from the first frame out, all of them come.
        assert out == list(range(out[0], len(sizes)))


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=30),
    st.sets(st.integers(1, 149)),
    st.sampled_from([0, 65_520]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_sent_again_in_time_leaves_no_trace(
    sizes: list[int], lost: set[int], first_seq: int
) -> None:
    stream = Stream(sizes, {0}, first_seq)
    packets = stream.packets()
    kept = [p for at, p in enumerate(packets) if at not in lost]
    again = [p for at, p in enumerate(packets) if at in lost]
    buffer = JitterBuffer(start_of)
    out = run(buffer, stream, kept) + run(buffer, stream, again)
    assert out == list(range(len(sizes)))


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.booleans())))
@settings(max_examples=60, deadline=None)
def test_noise_stays_bounded(noise: list[tuple[int, int, bool]]) -> None:
    buffer = JitterBuffer(start_of, capacity=32)
    for at, (seq, stamp, marker) in enumerate(noise * 3):
        buffer.add(RtpPacket(96, marker, seq, stamp, 1, KEY if marker else DELTA), at)
        assert len(buffer._slots) <= 32
        buffer.expire(at * 1000 * MS)


def test_missing_packets_are_asked_for_a_limited_number_of_times() -> None:
    nacks = NackList(max_tries=3)
    nacks.received(10)
    assert nacks.received(13)
    asked = [nacks.due(now * MS, 20 * MS, 0) for now in range(0, 100, 10)]
    assert [one for one in asked if one] == [[11, 12]] * 3
    assert len(nacks) == 0


def test_what_arrived_or_is_of_no_use_is_not_asked_for() -> None:
    nacks = NackList()
    for seq in (10, 15):
        nacks.received(seq)
    nacks.received(12)
    assert nacks.due(0, MS, 13) == [13, 14]
    assert nacks.due(0, 0, None) == []
    assert len(nacks) == 0


def test_a_great_gap_is_not_asked_for() -> None:
    nacks = NackList(max_missing=100)
    nacks.received(0)
    assert not nacks.received(5000)
    assert len(nacks) == 0
