"""Plain RTP on a UDP port, without a session description."""

import base64
import binascii
import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Literal, cast
from urllib.parse import parse_qs, urlsplit

import av
from av.video.codeccontext import VideoCodecContext

from livelens.clock import RTP_CLOCK_HZ, nanoseconds, now_ns, seconds
from livelens.errors import ConfigError, SourceError
from livelens.media.picture import VideoPicture
from livelens.media.rtp import RtpPacket, Unwrapper
from livelens.sources.depacketise import (
    START_CODE,
    NalCodec,
    Piece,
    is_key,
    is_parameter_set,
    plausible,
    units_of,
)
from livelens.sources.reading import PacketDecoder, ReadCounts, media_ns
from livelens.sources.rtp_order import Ordered, Reorder, SenderLock
from livelens.spec import SourceSpec
from livelens.types import Captured

_TICK: Final = Fraction(1, RTP_CLOCK_HZ)
# How soon `close` is noticed on a port where nothing arrives.
_POLL_S: Final = 0.2
_RECEIVE_BUFFER_BYTES: Final = 4 << 20
_DECODERS: Final[dict[NalCodec, str]] = {"h264": "h264", "h265": "hevc"}


class Rtp(SourceSpec, frozen=True, kw_only=True):
    """H.264 or H.265 in RTP, sent to a UDP port of this machine by whoever sends there.

    What ``gst-launch-1.0 … ! x264enc tune=zerolatency ! rtph264pay config-interval=-1 !
    udpsink port=9777`` or ``ffmpeg -f rtp`` sends. Noise on the port is ignored, a
    sender that begins anew is followed.

    Attributes:
        host: address to listen on, or a multicast group to join.
        port: UDP port; 0 takes a free one, told by the opened source.
        payload_type: of the video; None takes any that looks like this codec.
        parameter_sets: ``sprop-parameter-sets`` of the SDP, for senders that do not
            repeat them in the stream.
        on_loss: after a loss show pictures that are damaged in places (`conceal`), or
            none until the next keyframe (`wait`).
        reorder_s: how long a missing packet holds up those behind it.
        open_timeout_s: how long to wait for the first packet.
        read_timeout_s: longest silence before the stream counts as broken.
    """

    host: str = "0.0.0.0"
    port: int
    codec: Literal["h264", "h265"] = "h264"
    payload_type: int | None = None
    parameter_sets: str = ""
    on_loss: Literal["conceal", "wait"] = "conceal"
    reorder_s: float = 0.03
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            raise ValueError(f"host is an IP address to listen on, not {self.host!r}") from None
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port is in 0..65535, not {self.port}")
        if self.payload_type is not None and not 0 <= self.payload_type <= 127:
            raise ValueError(f"payload_type is in 0..127, not {self.payload_type}")
        if not 0 <= self.reorder_s <= 10:
            raise ValueError(f"reorder_s is in 0..10, not {self.reorder_s:g}")
        for name in ("open_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= 3600:
                raise ValueError(f"{name} is above 0 and at most 3600")
        _decoded_sets(self.parameter_sets)

    @property
    def label(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rtp://{host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> "Rtp":
        """``rtp://[ADDRESS]:PORT[?codec=h265&payload_type=97]``"""
        try:
            parts = urlsplit(url)
            given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            codec = given.pop("codec", "h264").lower()
            if codec not in ("h264", "h265"):
                raise ConfigError(f"{url}: the codec is h264 or h265, not {codec!r}")
            if parts.port is None:
                raise ConfigError(f"{url} names no port, as rtp://0.0.0.0:9777 does")
            kind = given.pop("payload_type", None)
            spec = cls(
                host=parts.hostname or "0.0.0.0",
                port=parts.port,
                codec="h264" if codec == "h264" else "h265",
                payload_type=int(kind) if kind is not None else None,
            )
        except ValueError as error:
            raise ConfigError(f"{url}: {error}") from None
        if given:
            raise ConfigError(f"{url}: unknown {', '.join(sorted(given))} (codec, payload_type)")
        return spec

    def open(self) -> "RtpSource":
        return RtpSource(self)


class RtpSource:
    """An opened `Rtp`: a bound socket.

    Attributes:
        port: where it listens.

    Raises:
        SourceError: the port is taken or the address is not of this machine.
    """

    def __init__(self, spec: Rtp) -> None:
        self._spec = spec
        self._label = spec.label
        self._stop = threading.Event()
        self._socket = _bound(spec)
        self.port: int = self._socket.getsockname()[1]
        self._lock = SenderLock(self._may_be_ours)
        self._restart()
        self._decoder = self._new_decoder()
        self._reading = threading.Lock()
        self._no_rtp = 0
        self._lost_before = 0
        self._saw_parameter_set = bool(spec.parameter_sets)
        self._offset_ns = 0
        self._last: tuple[int, int] | None = None

    @property
    def counts(self) -> ReadCounts:
        """What became of the packets."""
        counts = self._decoder.counts
        counts.noise = self._no_rtp + self._lock.noise
        counts.lost = self._lost_before + self._order.lost
        return counts

    def frames(self) -> Iterator[Captured]:
        """Pictures as they come.

        Raises:
            SourceError: nothing came for the time-out, or nothing that can be decoded.
        """
        heard_ns = now_ns()
        heard = False
        self._reading.acquire(blocking=False)
        try:
            while not self._stop.is_set():
                received = self._receive()
                now = now_ns()
                ready: list[Ordered] = []
                if received is not None:
                    arrived, fresh = self._lock.add(*received, now)
                    if fresh:
                        self._lost_before += self._order.lost
                        self._restart()
                    if arrived:
                        heard_ns, heard = now, True
                    for packet, arrived_ns in arrived:
                        ready += self._order.add(packet, arrived_ns)
                ready += self._order.expire(now)
                for ordered in ready:
                    yield from self._assembled(ordered)
                self._check_silence(seconds(now - heard_ns), heard)
        finally:
            self._socket.close()

    def _check_silence(self, silent_s: float, heard: bool) -> None:
        spec = self._spec
        if heard and silent_s > spec.read_timeout_s:
            raise SourceError(f"{self._label}: nothing came for {spec.read_timeout_s:g} s")
        if not heard and silent_s > spec.open_timeout_s:
            noise = self._no_rtp + self._lock.noise
            what = f"no RTP with {spec.codec.upper().replace('H', 'H.')}" if noise else "nothing"
            counted = f" ({noise} datagrams of another kind)" if noise else ""
            raise SourceError(
                f"{self._label}: {what} came within {spec.open_timeout_s:g} s{counted}"
            )

    def _receive(self) -> tuple[RtpPacket, object] | None:
        self._socket.settimeout(self._spec.reorder_s or 0.001 if self._order.holds else _POLL_S)
        try:
            data, address = self._socket.recvfrom(65536)
        except TimeoutError:
            return None
        except OSError as error:
            if self._stop.is_set():
                return None
            raise SourceError(f"{self._label}: {error.strerror}") from None
        # RTCP may share the port (RFC 5761).
        if len(data) > 1 and 192 <= data[1] <= 223:
            return None
        try:
            return RtpPacket.parse(data), address
        except ValueError:
            self._no_rtp += 1
            return None

    def _may_be_ours(self, packet: RtpPacket) -> bool:
        wanted = self._spec.payload_type
        if wanted is not None and packet.payload_type != wanted:
            return False
        return plausible(self._spec.codec, packet.payload)

    def _restart(self) -> None:
        """Another sender: its numbers have nothing to do with the last one's."""
        self._order = Reorder(nanoseconds(self._spec.reorder_s))
        self._timestamps = Unwrapper(32)
        self._pieces: list[Piece] = []
        self._timestamp: int | None = None
        self._frame_ns = 0
        self._wants_key = self._spec.on_loss == "wait"
        self._rebase = True

    def _new_decoder(self) -> PacketDecoder:
        context = av.CodecContext.create(_DECODERS[self._spec.codec], "r")
        assert isinstance(context, VideoCodecContext)
        sets = _decoded_sets(self._spec.parameter_sets)
        if sets:
            context.extradata = b"".join(START_CODE + one for one in sets)
        return PacketDecoder(context, self._label, live=True)

    def _assembled(self, ordered: Ordered) -> Iterator[Captured]:
        """A frame is whole at its marker, or when the next one begins."""
        packet = ordered.packet
        if self._pieces and packet.timestamp != self._timestamp:
            yield from self._decoded()
        if not self._pieces:
            self._timestamp = packet.timestamp
            self._frame_ns = ordered.arrived_ns
        self._frame_ns = min(self._frame_ns, ordered.arrived_ns)
        if packet.payload:
            self._pieces.append(Piece(packet.payload, ordered.follows))
        if packet.marker and self._pieces:
            yield from self._decoded()

    def _decoded(self) -> Iterator[Captured]:
        codec = self._spec.codec
        assert self._timestamp is not None
        # A gap before the first piece may have swallowed the beginning of this frame.
        gap = not self._pieces[0].follows
        units, whole = units_of(codec, self._pieces)
        self._pieces = []
        self._saw_parameter_set |= any(is_parameter_set(codec, unit) for unit in units)
        if self._spec.on_loss == "wait":
            if any(is_key(codec, unit) for unit in units) and whole:
                self._wants_key = False
            elif not whole or gap:
                self._wants_key = True
            if self._wants_key:
                return
        if not units:
            return
        data = b"".join(START_CODE + unit for unit in units)
        packet = cast("av.Packet[av.VideoStream]", av.Packet(data))
        packet.pts = self._timestamps.unwrap(self._timestamp)
        packet.time_base = _TICK
        try:
            decoded = self._decoder.decode(packet, self._frame_ns)
        except SourceError:
            if self._saw_parameter_set:
                raise
            raise SourceError(
                f"{self._label}: the stream carries no parameter sets: let the sender repeat "
                "them (rtph264pay config-interval=-1) or set parameter_sets"
            ) from None
        for frame, captured_ns in decoded:
            ticks = frame.pts if frame.pts is not None else packet.pts
            yield Captured(
                VideoPicture(frame),
                self._continued(media_ns(ticks, _TICK), captured_ns),
                captured_ns,
            )

    def _continued(self, pts_ns: int, captured_ns: int) -> int:
        """Media time that goes on when the sender begins anew."""
        if self._rebase and self._last is not None:
            last_pts_ns, last_captured_ns = self._last
            self._offset_ns = last_pts_ns + max(captured_ns - last_captured_ns, 1) - pts_ns
        self._rebase = False
        pts_ns += self._offset_ns
        self._last = pts_ns, captured_ns
        return pts_ns

    def close(self) -> None:
        self._stop.set()
        # Unless `frames` reads, which then closes the socket itself.
        if self._reading.acquire(blocking=False):
            self._socket.close()


def _bound(spec: Rtp) -> socket.socket:
    address = ipaddress.ip_address(spec.host)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        if address.is_multicast:
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        receiver.bind((spec.host, spec.port))
        if address.is_multicast and family == socket.AF_INET:
            group = struct.pack("=4sI", address.packed, socket.INADDR_ANY)
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        elif address.is_multicast:
            group = struct.pack("=16sI", address.packed, 0)
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
    except OSError as error:
        receiver.close()
        raise SourceError(f"{spec.label}: {error.strerror}") from None
    return receiver


def _decoded_sets(text: str) -> list[bytes]:
    try:
        return [base64.b64decode(part, validate=True) for part in text.split(",") if part]
    except binascii.Error:
        raise ValueError("parameter_sets is not base64, as in the SDP") from None
