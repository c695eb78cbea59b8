import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livelens.media.payload import packetise_h264
from livelens.sources.depacketise import (
    START_CODE,
    NalCodec,
    Piece,
    is_key,
    is_parameter_set,
    plausible,
    units_of,
)

SPS, PPS = b"\x67\x42\x00\x1f", b"\x68\xce\x3c\x80"
IDR = b"\x65" + bytes(range(1, 250)) * 20
SLICE = b"\x41" + bytes(range(1, 250)) * 10


def pieces(payloads: list[bytes], lost: frozenset[int] = frozenset()) -> list[Piece]:
    return [
        Piece(payload, n - 1 not in lost) for n, payload in enumerate(payloads) if n not in lost
    ]


def fragments_h265(unit: bytes, room: int = 900) -> list[bytes]:
    body = unit[2:]
    parts = [body[at : at + room] for at in range(0, len(body), room)]
    head = bytes([unit[0] & 0x81 | 49 << 1, unit[1]])
    kind = unit[0] >> 1 & 0x3F
    return [
        head + bytes([(n == 0) << 7 | (n == len(parts) - 1) << 6 | kind]) + part
        for n, part in enumerate(parts)
    ]


def test_h264_in_all_its_forms() -> None:
    payloads = packetise_h264(b"".join(START_CODE + unit for unit in (SPS, PPS, IDR, SLICE)))
    assert {payload[0] & 0x1F for payload in payloads} >= {24, 28}
    assert units_of("h264", pieces(payloads)) == ([SPS, PPS, IDR, SLICE], True)


def test_h265_in_all_its_forms() -> None:
    vps, sps = b"\x40\x01\x0c\x01", b"\x42\x01\x01\x01"
    idr = b"\x26\x01" + bytes(range(1, 250)) * 10
    aggregate = b"\x60\x01" + b"".join(len(u).to_bytes(2, "big") + u for u in (vps, sps))
    payloads = [aggregate, *fragments_h265(idr), b"\x02\x01single"]
    units, whole = units_of("h265", pieces(payloads))
    assert units == [vps, sps, idr, b"\x02\x01single"]
    assert whole
    assert [is_parameter_set("h265", unit) for unit in units] == [False, True, False, False]
    assert [is_key("h265", unit) for unit in units] == [False, False, True, False]


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {1, 2}])
def test_a_unit_with_a_hole_is_left_out_and_the_rest_kept(lost: set[int]) -> None:
    payloads = packetise_h264(b"".join(START_CODE + unit for unit in (SPS, PPS, IDR)))
    payloads += packetise_h264(START_CODE + SLICE)
    units, whole = units_of("h264", pieces(payloads, frozenset(lost)))
    assert units == [SPS, PPS, SLICE]
    assert not whole


def test_the_middle_of_a_unit_is_nothing() -> None:
    payloads = packetise_h264(START_CODE + IDR)
    assert units_of("h264", [Piece(payloads[2], False)]) == ([], False)


@given(st.sampled_from(["h264", "h265"]), st.lists(st.binary(max_size=40), max_size=8))
def test_garbage_is_survived(codec: NalCodec, payloads: list[bytes]) -> None:
    units, _ = units_of(codec, pieces(payloads))
    assert all(units)


def test_noise_is_mostly_told_from_video() -> None:
    source = random.Random(7)
    noise = [source.randbytes(100) for _ in range(1000)]
    assert sum(plausible("h264", each) for each in noise) < 300
    assert sum(plausible("h265", each) for each in noise) < 50
    assert all(plausible("h264", unit) for unit in (SPS, PPS, IDR, SLICE, b"\x09\x10"))
    assert not plausible("h264", b"")
