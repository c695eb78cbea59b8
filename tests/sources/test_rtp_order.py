import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelens.media.rtp import RtpPacket
from livelens.sources.rtp_order import Ordered, Reorder, SenderLock

MS = 1_000_000
HERE, THERE = ("127.0.0.1", 5000), ("127.0.0.1", 5001)


def packet(seq: int, ssrc: int = 1, kind: int = 96) -> RtpPacket:
    return RtpPacket(kind, False, seq & 0xFFFF, 0, ssrc, b"\x41...")


def seqs(ordered: list[Ordered]) -> list[int]:
    return [one.packet.seq for one in ordered]


class TestReorder:
    def test_in_order_nothing_waits(self) -> None:
        order = Reorder(30 * MS)
        got = [one for n in range(65530, 65550) for one in order.add(packet(n), n)]
        assert seqs(got) == [n & 0xFFFF for n in range(65530, 65550)]
        assert [one.follows for one in got] == [False] + [True] * 19
        assert not order.holds

    def test_overtaken(self) -> None:
        order = Reorder(30 * MS)
        assert seqs(order.add(packet(0), 0)) == [0]
        assert order.add(packet(2), 1 * MS) == []
        assert order.holds
        assert seqs(order.add(packet(1), 2 * MS)) == [1, 2]
        assert order.lost == 0

    def test_lost(self) -> None:
        order = Reorder(30 * MS)
        order.add(packet(0), 0)
        order.add(packet(3), 1 * MS)
        assert order.expire(30 * MS) == []
        got = order.expire(31 * MS)
        assert seqs(got) == [3]
        assert not got[0].follows
        assert order.lost == 2

    def test_too_late_and_twice(self) -> None:
        order = Reorder(0)
        for n in (0, 1, 3):
            order.add(packet(n), 0)
        order.expire(0)
        assert order.add(packet(2), 0) == []
        assert order.add(packet(3), 0) == []
        assert order.late == 2

    def test_does_not_keep_more_than_its_capacity(self) -> None:
        order = Reorder(10_000 * MS, capacity=8)
        order.add(packet(0), 0)
        got = [one for n in range(2, 12) for one in order.add(packet(n), 0)]
        assert seqs(got) == list(range(2, 12))

    def test_one_stray_packet_is_ignored_two_begin_anew(self) -> None:
        order = Reorder(30 * MS)
        order.add(packet(100), 0)
        assert order.add(packet(40_000), 0) == []
        assert seqs(order.add(packet(101), 0)) == [101]
        assert order.add(packet(40_000), 0) == []
        got = order.add(packet(40_001), 0)
        assert seqs(got) == [40_001]
        assert not got[0].follows

    @given(st.integers(0, 2**31), st.integers(0, 65535))
    def test_whatever_comes_leaves_in_order_once(self, seed: int, start: int) -> None:
        source = random.Random(seed)
        sent = [start + n for n in range(200) if source.random() > 0.1]
        sent.sort(key=lambda n: n + source.random() * 6)
        order = Reorder(20 * MS)
        got: list[Ordered] = []
        for at, seq in enumerate(sent):
            got += order.add(packet(seq), at * MS)
            got += order.expire(at * MS)
        got += order.expire(10**12)
        steps = [(b - a) & 0xFFFF for a, b in zip(seqs(got), seqs(got)[1:], strict=False)]
        assert all(0 < step < 200 for step in steps)
        assert [one.follows for one in got[1:]] == [step == 1 for step in steps]
        assert not order.holds


class TestSenderLock:
    def test_three_in_sequence_are_believed_and_none_is_lost(self) -> None:
        lock = SenderLock(lambda _: True)
        assert lock.add(packet(1), HERE, 0) == ([], False)
        assert lock.add(packet(2), HERE, 0) == ([], False)
        arrived, fresh = lock.add(packet(3), HERE, 0)
        assert [one.seq for one, _ in arrived] == [1, 2, 3]
        assert fresh
        arrived, fresh = lock.add(packet(9), HERE, 0)
        assert [one.seq for one, _ in arrived] == [9]
        assert not fresh

    def test_a_sender_whose_packets_overtake_each_other(self) -> None:
        lock = SenderLock(lambda _: True)
        lock.add(packet(0), HERE, 0)
        lock.add(packet(65535), HERE, 0)
        arrived, _ = lock.add(packet(1), HERE, 0)
        assert [one.seq for one, _ in arrived] == [65535, 0, 1]

    def test_noise_is_never_believed(self) -> None:
        lock = SenderLock(lambda _: True)
        source = random.Random(3)
        for n in range(2000):
            stray = packet(source.randrange(65536), source.getrandbits(32), source.randrange(128))
            assert lock.add(stray, HERE, n * MS) == ([], False)
        assert lock.noise > 1900

    def test_a_sender_is_found_among_noise(self) -> None:
        lock = SenderLock(lambda _: True)
        source = random.Random(3)
        got = 0
        for n in range(20):
            for _ in range(10):
                lock.add(packet(source.randrange(65536), source.getrandbits(32)), THERE, n * MS)
            got += len(lock.add(packet(n), HERE, n * MS)[0])
        assert got == 20

    def test_another_sender_waits_until_the_first_is_silent(self) -> None:
        lock = SenderLock(lambda _: True)
        for n in range(3):
            lock.add(packet(n), HERE, 0)
        for n in range(10):
            assert lock.add(packet(n, ssrc=2), THERE, 100 * MS) == ([], False)
        arrived, fresh = lock.add(packet(10, ssrc=2), THERE, 400 * MS)
        assert [one.seq for one, _ in arrived] == list(range(11))
        assert fresh
        assert lock.switches == 2

    @pytest.mark.parametrize("same", [{"ssrc": 2}, {"kind": 97}])
    def test_other_streams_of_the_same_sender_are_left_out(self, same: dict[str, int]) -> None:
        lock = SenderLock(lambda _: True)
        for n in range(3):
            lock.add(packet(n), HERE, 0)
        for n in range(10):
            lock.add(packet(3 + n), HERE, n * 100 * MS)
            assert lock.add(packet(n, **same), HERE, n * 100 * MS) == ([], False)

    def test_implausible_packets_are_noise(self) -> None:
        lock = SenderLock(lambda one: one.payload_type == 97)
        for n in range(5):
            assert lock.add(packet(n), HERE, 0) == ([], False)
        assert lock.noise == 5
