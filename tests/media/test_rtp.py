import contextlib

import pytest
from aiortc import rtp as reference
from hypothesis import given
from hypothesis import strategies as st

from livelens.media.rtp import HEADER, RtpPacket, Unwrapper, pack_extensions, playout_delay


def test_parses_what_another_implementation_writes() -> None:
    packet = reference.RtpPacket(96, 1, 65_535, 123_456, 0xDEADBEEF, b"payload")
    packet.csrc = [1, 2]
    packet.padding_size = 4
    ours = RtpPacket.parse(packet.serialize())
    assert (ours.payload_type, ours.marker, ours.seq) == (96, True, 65_535)
    assert (ours.timestamp, ours.ssrc, ours.payload) == (123_456, 0xDEADBEEF, b"payload")


@pytest.mark.parametrize(
    "elements",
    [[(3, b"\0\0\0"), (4, b"0")], [(3, b"abc"), (20, b"xyz")], [(1, b""), (2, b"q")]],
    ids=["one byte", "great id", "empty value"],
)
def test_header_extensions_survive(elements: list[tuple[int, bytes]]) -> None:
    data = HEADER.pack(0x90, 96, 1, 2, 3) + pack_extensions(elements) + b"payload"
    packet = RtpPacket.parse(data)
    assert packet.extensions == elements
    assert packet.payload == b"payload"


def test_playout_delay_counts_tens_of_milliseconds() -> None:
    assert playout_delay(0, 0) == b"\0\0\0"
    assert playout_delay(10, 40_950) == bytes([0x00, 0x1F, 0xFF])


@given(st.binary(max_size=80))
def test_noise_is_a_value_error_or_a_packet(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        RtpPacket.parse(data)


@given(st.lists(st.integers(-100, 100)), st.sampled_from([0, 65_500, 32_768]))
def test_unwrapping_follows_steps_across_the_wrap(steps: list[int], first: int) -> None:
    unwrapper = Unwrapper(16)
    true = highest = unwrapper.unwrap(first)
    for step in steps:
        true = highest + step
        assert unwrapper.unwrap(true & 0xFFFF) == true
        highest = max(highest, true)
