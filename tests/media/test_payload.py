import contextlib

import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from hypothesis import given
from hypothesis import strategies as st

from livelens.media.payload import (
    MAX_PAYLOAD_BYTES,
    START_CODE,
    depacketise_h264,
    depacketise_vp8,
    packetise_h264,
    packetise_vp8,
    split_annexb,
    start_of_h264,
    start_of_vp8,
)

# A NAL unit: its kind, then anything that holds no start code and ends in no zero.
units = st.tuples(
    st.sampled_from([0x67, 0x68, 0x06, 0x65, 0x41]),
    st.one_of(st.integers(1, 40), st.integers(1000, 9000)),
    st.integers(1, 255),
).map(lambda one: bytes([one[0]]) + bytes([one[2]]) * one[1])


@given(st.lists(units, min_size=1, max_size=6))
def test_h264_survives_the_way_and_others_read_it(parts: list[bytes]) -> None:
    data = b"".join(START_CODE + part for part in parts)
    payloads = packetise_h264(data)
    assert max(map(len, payloads)) <= MAX_PAYLOAD_BYTES
    assert depacketise_h264(payloads) == data
    assert b"".join(h264_depayload(one) for one in payloads) == data


def test_annexb_with_short_start_codes_and_a_delimiter() -> None:
    data = b"\0\0\1\x09\xf0\0\0\1\x67abc\0\0\0\1\x65def"
    assert split_annexb(data) == [b"\x09\xf0", b"\x67abc", b"\x65def"]
    assert (
        depacketise_h264(packetise_h264(data)) == START_CODE + b"\x67abc" + START_CODE + b"\x65def"
    )


@given(st.binary(min_size=1, max_size=5000), st.integers(0, 0x7FFF))
def test_vp8_survives_the_way_and_others_read_it(data: bytes, picture_id: int) -> None:
    payloads = packetise_vp8(data, picture_id)
    assert max(map(len, payloads)) <= MAX_PAYLOAD_BYTES
    assert depacketise_vp8(payloads) == data
    assert b"".join(vp8_depayload(one) for one in payloads) == data


@given(st.binary(max_size=60))
def test_noise_never_does_worse_than_a_value_error(data: bytes) -> None:
    start_of_h264(data)
    start_of_vp8(data)
    for depacketise in (depacketise_h264, depacketise_vp8):
        with contextlib.suppress(ValueError):
            depacketise([data])


@pytest.mark.parametrize(
    ("unit", "sure", "may"),
    [
        (b"\x67abc", True, True),
        (b"\x65abc", False, True),
        (b"\x41abc", False, False),
        (b"\x65" + b"a" * 3000, False, True),
        (b"\x41" + b"a" * 3000, False, False),
    ],
    ids=["SPS", "IDR", "slice", "fragmented IDR", "fragmented slice"],
)
def test_where_a_keyframe_begins(unit: bytes, sure: bool, may: bool) -> None:
    payloads = packetise_h264(START_CODE + unit)
    start = start_of_h264(payloads[0])
    assert (start.begins_keyframe, start.may_begin_keyframe) == (sure, may)
    assert all(not start_of_h264(one).may_begin_frame for one in payloads[1:])


def test_an_aggregate_with_parameter_sets_begins_a_keyframe() -> None:
    (payload,) = packetise_h264(START_CODE + b"\x67ab" + START_CODE + b"\x68cd")
    assert start_of_h264(payload).begins_keyframe


@pytest.mark.parametrize("payload", [b"\x7c", b"\x78\x00\x09ab", b"\x1f", b"\x7c\x05abc"])
def test_cut_off_h264_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"H\.264"):
        depacketise_h264([payload])
