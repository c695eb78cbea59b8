"""How H.264 and VP8 travel in RTP (RFC 6184, RFC 7741).

Pure functions. A picture is split into payloads once, whoever they are sent to.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

VideoCodec = Literal["h264", "vp8"]

# Leaves room within 1280 bytes of IPv6 for the headers of UDP, RTP, its extensions and SRTP.
MAX_PAYLOAD_BYTES: Final = 1180

START_CODE: Final = b"\x00\x00\x00\x01"
NAL_IDR: Final = 5
NAL_SEI: Final = 6
NAL_SPS: Final = 7
NAL_PPS: Final = 8
NAL_DELIMITER: Final = 9
NAL_STAP_A: Final = 24
NAL_FU_A: Final = 28


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes."""
    units: list[bytes] = []
    start = data.find(b"\x00\x00\x01")
    while start != -1:
        begin = start + 3
        start = data.find(b"\x00\x00\x01", begin)
        unit = data[begin:] if start == -1 else data[begin:start]
        # A NAL unit never ends in a zero byte: what is there belongs to the next start code.
        unit = unit.rstrip(b"\x00")
        if unit:
            units.append(unit)
    return units


def packetise_h264(data: bytes, max_bytes: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """RTP payloads of one access unit in Annex B (packetization-mode 1)."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    small_bytes = 1
    for unit in split_annexb(data):
        if unit[0] & 0x1F == NAL_DELIMITER:
            continue
        if small and small_bytes + 2 + len(unit) > max_bytes:
            payloads.append(_aggregate(small))
            small, small_bytes = [], 1
        if len(unit) > max_bytes:
            payloads.extend(_fragment(unit, max_bytes))
        else:
            small.append(unit)
            small_bytes += 2 + len(unit)
    if small:
        payloads.append(_aggregate(small))
    return payloads


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    forbidden = max(unit[0] & 0x80 for unit in units)
    body = b"".join(struct.pack("!H", len(unit)) + unit for unit in units)
    return bytes([forbidden | importance | NAL_STAP_A]) + body


def _fragment(unit: bytes, max_bytes: int) -> list[bytes]:
    room = max_bytes - 2
    count = -(-(len(unit) - 1) // room)
    # Equal pieces: no tiny last packet.
    piece = -(-(len(unit) - 1) // count)
    indicator = unit[0] & 0xE0 | NAL_FU_A
    kind = unit[0] & 0x1F
    payloads = []
    for begin in range(1, len(unit), piece):
        flags = 0x80 if begin == 1 else 0x40 if begin + piece >= len(unit) else 0
        payloads.append(bytes([indicator, flags | kind]) + unit[begin : begin + piece])
    return payloads


def depacketise_h264(payloads: Sequence[bytes]) -> bytes:
    """The access unit in Annex B that these payloads, complete and in order, carry.

    Raises:
        ValueError: a payload is cut off or of a kind that packetization-mode 1 does not know.
    """
    parts: list[bytes] = []
    for payload in payloads:
        if not payload:
            continue
        kind = payload[0] & 0x1F
        if 1 <= kind <= 23:
            parts += (START_CODE, payload)
        elif kind == NAL_FU_A:
            if len(payload) < 2:
                raise ValueError("H.264 fragment is cut off")
            if payload[1] & 0x80:
                parts += (START_CODE, bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            elif not parts:
                raise ValueError("H.264 fragment has no beginning")
            parts.append(payload[2:])
        elif kind == NAL_STAP_A:
            for unit in _disaggregate(payload):
                parts += (START_CODE, unit)
        else:
            raise ValueError(f"H.264 payload of kind {kind} is not supported")
    return b"".join(parts)


def _disaggregate(payload: bytes) -> list[bytes]:
    units: list[bytes] = []
    position = 1
    while position < len(payload):
        if position + 2 > len(payload):
            raise ValueError("H.264 aggregate is cut off")
        (size,) = struct.unpack_from("!H", payload, position)
        position += 2
        if position + size > len(payload):
            raise ValueError("H.264 aggregate is cut off")
        if size:
            units.append(payload[position : position + size])
        position += size
    return units


@dataclass(frozen=True, slots=True)
class Start:
    """What a payload says about where it stands in the stream.

    Attributes:
        begins_keyframe: a keyframe begins here for certain.
        may_begin_keyframe: a keyframe begins here if no packet of the same frame comes before.
        may_begin_frame: false where the payload goes on with something begun before.
    """

    begins_keyframe: bool
    may_begin_keyframe: bool
    may_begin_frame: bool


_NOTHING: Final = Start(False, False, True)
_CONTINUES: Final = Start(False, False, False)
_SURE: Final = Start(True, True, True)
_MAYBE: Final = Start(False, True, True)


def start_of_h264(payload: bytes) -> Start:
    """Where an H.264 payload stands. Parameter sets come with a keyframe only."""
    kinds: list[int] = []
    if payload:
        kind = payload[0] & 0x1F
        if kind == NAL_STAP_A:
            try:
                kinds = [unit[0] & 0x1F for unit in _disaggregate(payload)]
            except ValueError:
                kinds = []
        elif kind == NAL_FU_A:
            if len(payload) < 2 or not payload[1] & 0x80:
                return _CONTINUES
            kinds = [payload[1] & 0x1F]
        else:
            kinds = [kind]
    if NAL_SPS in kinds:
        return _SURE
    return _MAYBE if NAL_IDR in kinds else _NOTHING


def packetise_vp8(data: bytes, picture_id: int, max_bytes: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """RTP payloads of one VP8 frame, with a 15-bit picture id."""
    descriptor = struct.pack("!BBH", 0x80, 0x80, 0x8000 | picture_id & 0x7FFF)
    first = bytes([0x90]) + descriptor[1:]
    room = max_bytes - len(descriptor)
    return [
        (first if begin == 0 else descriptor) + data[begin : begin + room]
        for begin in range(0, len(data), room)
    ]


def _vp8_header_bytes(payload: bytes) -> int:
    """Length of the payload descriptor.

    Raises:
        ValueError: it is cut off.
    """
    position = 1
    if not payload:
        raise ValueError("VP8 payload is empty")
    if payload[0] & 0x80:
        if len(payload) < 2:
            raise ValueError("VP8 payload descriptor is cut off")
        extension = payload[1]
        position = 2
        if extension & 0x80:
            if len(payload) <= position:
                raise ValueError("VP8 payload descriptor is cut off")
            position += 2 if payload[position] & 0x80 else 1
        position += bool(extension & 0x40) + bool(extension & 0x30)
    if position > len(payload):
        raise ValueError("VP8 payload descriptor is cut off")
    return position


def depacketise_vp8(payloads: Sequence[bytes]) -> bytes:
    """The VP8 frame that these payloads, complete and in order, carry.

    Raises:
        ValueError: a payload descriptor is cut off.
    """
    return b"".join(payload[_vp8_header_bytes(payload) :] for payload in payloads if payload)


def start_of_vp8(payload: bytes) -> Start:
    """Where a VP8 payload stands. The lowest bit of the frame header is 0 in a keyframe."""
    try:
        header = _vp8_header_bytes(payload)
    except ValueError:
        return _NOTHING
    if payload[0] & 0x10 == 0 or payload[0] & 0x07:
        return _CONTINUES
    return _SURE if header < len(payload) and not payload[header] & 1 else _NOTHING


DEPACKETISE: Final[dict[VideoCodec, Callable[[Sequence[bytes]], bytes]]] = {
    "h264": depacketise_h264,
    "vp8": depacketise_vp8,
}
START_OF: Final[dict[VideoCodec, Callable[[bytes], Start]]] = {
    "h264": start_of_h264,
    "vp8": start_of_vp8,
}
