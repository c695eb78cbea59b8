"""H.264 and H.265 out of RTP as it comes from a network that loses packets. Pure.

RFC 6184 (packetization-modes 0 and 1), RFC 7798 (without DONL).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

NalCodec = Literal["h264", "h265"]

START_CODE: Final = b"\x00\x00\x00\x01"
_H264_STAP_A, _H264_FU_A = 24, 28
_H265_AP, _H265_FU = 48, 49


@dataclass(frozen=True, slots=True)
class Piece:
    """The payload of one RTP packet.

    Attributes:
        follows: the packet before it was received too.
    """

    payload: bytes
    follows: bool


def plausible(codec: NalCodec, payload: bytes) -> bool:
    """Whether the payload may be of this codec; tells video from noise and from audio."""
    if len(payload) < 2 or payload[0] & 0x80:
        return False
    if codec == "h264":
        kind = payload[0] & 0x1F
        return 1 <= kind <= 12 or kind in (_H264_STAP_A, _H264_FU_A)
    layer = (payload[0] & 1) << 5 | payload[1] >> 3
    kind = payload[0] >> 1
    return layer == 0 and payload[1] & 7 != 0 and (kind <= 40 or kind in (_H265_AP, _H265_FU))


def units_of(codec: NalCodec, pieces: Sequence[Piece]) -> tuple[list[bytes], bool]:
    """The NAL units that these pieces, in order, carry, and whether all of them are whole.

    A unit of which a fragment is missing is left out: its slice is concealed by the decoder.
    """
    header_bytes = 1 if codec == "h264" else 2
    aggregate, fragment = (_H264_STAP_A, _H264_FU_A) if codec == "h264" else (_H265_AP, _H265_FU)
    units: list[bytes] = []
    whole = True
    partial: bytearray | None = None
    for position, piece in enumerate(pieces):
        payload = piece.payload
        if not piece.follows and position:
            whole = False
        if not piece.follows or len(payload) <= header_bytes:
            whole = whole and partial is None
            partial = None
        if len(payload) <= header_bytes:
            continue
        kind = kind_of(codec, payload)
        if kind == fragment:
            marks = payload[header_bytes]
            if marks & 0x80:
                partial = bytearray(_header_of_fragmented(codec, payload))
            if partial is None:
                whole = False
                continue
            partial += payload[header_bytes + 1 :]
            if marks & 0x40:
                units.append(bytes(partial))
                partial = None
            continue
        partial = None
        if kind == aggregate:
            inside = _aggregated(payload, header_bytes)
            whole = whole and bool(inside)
            units.extend(inside)
        else:
            units.append(payload)
    return units, whole and partial is None


def kind_of(codec: NalCodec, unit: bytes) -> int:
    """The type of a NAL unit or payload."""
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def is_key(codec: NalCodec, unit: bytes) -> bool:
    """Whether decoding can begin with this unit: a slice of a keyframe (IDR, or H.265 CRA)."""
    kind = kind_of(codec, unit)
    return kind == 5 if codec == "h264" else 16 <= kind <= 21


def is_parameter_set(codec: NalCodec, unit: bytes) -> bool:
    """Whether the unit is an SPS, without which nothing can be decoded."""
    return kind_of(codec, unit) == (7 if codec == "h264" else 33)


def _header_of_fragmented(codec: NalCodec, payload: bytes) -> bytes:
    if codec == "h264":
        return bytes([payload[0] & 0xE0 | payload[1] & 0x1F])
    return bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]])


def _aggregated(payload: bytes, position: int) -> list[bytes]:
    units: list[bytes] = []
    while position + 2 <= len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        position += 2
        if not size or position + size > len(payload):
            return []
        units.append(payload[position : position + size])
        position += size
    return units
