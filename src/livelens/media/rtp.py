"""RTP packets: parsing, sequence arithmetic, header extensions (RFC 3550, RFC 8285)."""

import struct
from typing import Final

HEADER: Final = struct.Struct("!BBHII")
ONE_BYTE_EXTENSION: Final = 0xBEDE

MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
TRANSPORT_CC_URI: Final = (
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)
ABS_SEND_TIME_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"


class RtpPacket:
    """A received packet.

    Attributes:
        seq: 16 bits as received.
        timestamp: 32 bits as received.
        payload: without padding; empty for a packet that only probes the link.
        extensions: (id, value) pairs of the header extension.
    """

    __slots__ = ("extensions", "marker", "payload", "payload_type", "seq", "ssrc", "timestamp")

    def __init__(
        self, payload_type: int, marker: bool, seq: int, timestamp: int, ssrc: int, payload: bytes
    ) -> None:
        self.payload_type = payload_type
        self.marker = marker
        self.seq = seq
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload
        self.extensions: list[tuple[int, bytes]] = []

    @classmethod
    def parse(cls, data: bytes) -> "RtpPacket":
        """Parse a datagram.

        Raises:
            ValueError: it is not an RTP packet.
        """
        size = len(data)
        if size < HEADER.size:
            raise ValueError("RTP packet shorter than its header")
        first, second, seq, timestamp, ssrc = HEADER.unpack_from(data)
        if first >> 6 != 2:
            raise ValueError("RTP version is not 2")
        position = HEADER.size + 4 * (first & 0x0F)
        extensions: list[tuple[int, bytes]] = []
        if first & 0x10:
            if size < position + 4:
                raise ValueError("RTP header extension is cut off")
            profile, words = struct.unpack_from("!HH", data, position)
            position += 4
            end = position + 4 * words
            if size < end:
                raise ValueError("RTP header extension is cut off")
            extensions = _parse_extensions(profile, data[position:end])
            position = end
        end = size
        if first & 0x20:
            end -= data[-1]
            if not data[-1] or end < position:
                raise ValueError("RTP padding is longer than the packet")
        if position > end:
            raise ValueError("RTP packet is cut off")
        packet = cls(second & 0x7F, bool(second & 0x80), seq, timestamp, ssrc, data[position:end])
        packet.extensions = extensions
        return packet

    def __repr__(self) -> str:
        return (
            f"RtpPacket(pt={self.payload_type}, seq={self.seq}, timestamp={self.timestamp}, "
            f"marker={self.marker}, {len(self.payload)} bytes)"
        )


def _parse_extensions(profile: int, data: bytes) -> list[tuple[int, bytes]]:
    """Elements of a one-byte or two-byte header extension (RFC 8285)."""
    elements: list[tuple[int, bytes]] = []
    two_bytes = profile & 0xFFF0 == 0x1000
    if profile != ONE_BYTE_EXTENSION and not two_bytes:
        return elements
    position, size = 0, len(data)
    while position < size:
        byte = data[position]
        position += 1
        if byte == 0:
            continue
        if two_bytes:
            if position >= size:
                break
            identifier, length = byte, data[position]
            position += 1
        else:
            identifier, length = byte >> 4, (byte & 0x0F) + 1
            if identifier == 15:
                break
        if position + length > size:
            raise ValueError("RTP header extension element is cut off")
        elements.append((identifier, data[position : position + length]))
        position += length
    return elements


def pack_extensions(elements: list[tuple[int, bytes]]) -> bytes:
    """A whole header extension block, or nothing when there is no element.

    The one-byte form where every element fits it, else the two-byte form.
    """
    if not elements:
        return b""
    one_byte = all(0 < key < 15 and 1 <= len(value) <= 16 for key, value in elements)
    body = b"".join(
        (bytes([key << 4 | len(value) - 1]) if one_byte else bytes([key, len(value)])) + value
        for key, value in elements
    )
    body += bytes(-len(body) % 4)
    profile = ONE_BYTE_EXTENSION if one_byte else 0x1000
    return struct.pack("!HH", profile, len(body) // 4) + body


def playout_delay(least_ms: int, most_ms: int) -> bytes:
    """Value of the playout-delay extension: two 12-bit counts of 10 ms."""
    return (least_ms // 10 << 12 | most_ms // 10).to_bytes(3, "big")


class Unwrapper:
    """Turns a counter that wraps into one that does not.

    Each value is taken as the nearest to the last one, before or after it.

    Args:
        bits: width of the counter on the wire.
    """

    def __init__(self, bits: int) -> None:
        self._modulus = 1 << bits
        self._half = self._modulus >> 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The value as an unbounded integer; the first is left as it is."""
        if self._last is None:
            self._last = value
            return value
        step = (value - self._last) % self._modulus
        if step >= self._half:
            step -= self._modulus
        unwrapped = self._last + step
        # Stay at the newest, so that late packets cannot drag the reference back.
        if step > 0:
            self._last = unwrapped
        return unwrapped
