"""From the packets of an open container to pictures: what every FFmpeg source shares."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import SourceError
from livelens.media.picture import VideoPicture
from livelens.types import Captured

# A stream whose packets give no picture for so long cannot be decoded. The longest
# distance of keyframes in the field is some 20 s.
PICTURE_TIMEOUT_NS: Final = 30 * NS_PER_S

_MOST_ARRIVALS: Final = 64
_STEP_BACK_NS: Final = NS_PER_S
_USUAL_STEP_NS: Final = 40_000_000

# Their demuxers invent timestamps of 25 pictures per second.
_WITHOUT_CLOCK: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "jpeg_pipe"})


# What FFmpeg may take a file or an answer for. Left to itself it shows text as ANSI art.
FORMATS: Final = (
    "3g2,3gp,apng,asf,av1,avi,dv,flv,gif,h264,hevc,hls,image2,ivf,jpeg_pipe,m4v,"
    "matroska,mjpeg,mov,mp4,mpeg,mpegts,mpegvideo,mpjpeg,mxf,nut,ogg,png_pipe,rm,rtp,"
    "rtsp,sdp,vvc,webm,webp_pipe,wtv,y4m,yuv4mpegpipe"
)


@dataclass(slots=True)
class ReadCounts:
    """What became of the packets of a source.

    Attributes:
        packets: video packets read.
        pictures: pictures decoded.
        before_keyframe: packets that could not be decoded before the first picture.
        broken: packets that could not be decoded later.
        noise: datagrams that belong to nothing.
        lost: packets that never came.
    """

    packets: int = 0
    pictures: int = 0
    before_keyframe: int = 0
    broken: int = 0
    noise: int = 0
    lost: int = 0


def reason(error: Exception) -> str:
    """What FFmpeg says is wrong, without the name of the file or the URL."""
    if isinstance(error, av.error.InvalidDataError | av.error.ArgumentError):
        return "invalid data"
    if isinstance(error, av.error.ExitError):
        return "timed out"
    if isinstance(error, av.FFmpegError):
        return str(error.strerror or "cannot be read")
    return " ".join(str(error).split()) or type(error).__name__


def media_ns(ticks: int, time_base: Fraction) -> int:
    """A count of ticks in nanoseconds, exactly rounded."""
    return round(ticks * time_base.numerator * NS_PER_S / time_base.denominator)


def video_of(container: InputContainer, label: str) -> VideoStream:
    """The first video stream that can be decoded; cover pictures of music do not count.

    Raises:
        SourceError: there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            # PyAV gives no context when FFmpeg has no decoder, against its own types.
            context: VideoCodecContext | None = stream.codec_context
            if context is None:
                raise SourceError(f"{label}: its video has a codec that cannot be decoded")
            return stream
    raise SourceError(f"{label}: there is no video in it")


class PacketDecoder:
    """Decodes packets and says when each picture arrived.

    Args:
        context: of the stream; not used yet.
        label: for errors.
        live: hold nothing back: no frame threads, no reordering beyond what the stream
            needs. Frame threads delay by one picture for each thread.
    """

    def __init__(self, context: VideoCodecContext, label: str, *, live: bool) -> None:
        self.counts = ReadCounts()
        self._context = context
        self._label = label
        self._barren_since_ns: int | None = None
        # By pts: decoders reorder, and hold pictures back.
        self._arrivals: dict[int, int] = {}
        context.thread_type = "SLICE" if live else "AUTO"
        if live:
            context.flags |= av.codec.context.Flags.low_delay

    def decode(
        self, packet: "av.Packet[VideoStream] | None", captured_ns: int
    ) -> list[tuple[av.VideoFrame, int]]:
        """Pictures that this packet completes, with their arrival; None flushes.

        A packet that cannot be decoded is counted, not raised: streams are joined in the
        middle and lose packets.

        Raises:
            SourceError: nothing could be decoded for a long time.
        """
        try:
            if packet is None:
                frames = self._context.decode(None)
            else:
                self.counts.packets += 1
                self._note(packet, captured_ns)
                frames = self._context.decode(packet)
        except (av.FFmpegError, EOFError) as error:
            if isinstance(error, EOFError):
                return []
            if self.counts.pictures:
                self.counts.broken += 1
            else:
                self.counts.before_keyframe += 1
            frames = []
        if frames:
            self.counts.pictures += len(frames)
            self._barren_since_ns = None
        else:
            self._check_barren()
        return [(frame, self._arrival(frame, captured_ns)) for frame in frames]

    def _check_barren(self) -> None:
        now = now_ns()
        if self._barren_since_ns is None:
            self._barren_since_ns = now
        elif now - self._barren_since_ns > PICTURE_TIMEOUT_NS:
            raise SourceError(
                f"{self._label}: packets arrive, but none of the last "
                f"{PICTURE_TIMEOUT_NS // NS_PER_S} s could be decoded"
            )

    def _note(self, packet: "av.Packet[VideoStream]", captured_ns: int) -> None:
        if packet.pts is not None:
            self._arrivals[packet.pts] = captured_ns
            if len(self._arrivals) > _MOST_ARRIVALS:
                del self._arrivals[next(iter(self._arrivals))]

    def _arrival(self, frame: av.VideoFrame, otherwise_ns: int) -> int:
        return otherwise_ns if frame.pts is None else self._arrivals.pop(frame.pts, otherwise_ns)


class ContainerReader:
    """Reads the pictures of an open container. Owns it; one thread, except for `close`.

    Args:
        container: freshly opened.
        label: for errors.
        live: see `PacketDecoder`.
        read_timeout_s: what the container was opened with, for the message.

    Attributes:
        stop: set by `close`.
        codec: FFmpeg's name of it.

    Raises:
        SourceError: there is no video in the container.
    """

    def __init__(
        self,
        container: InputContainer,
        label: str,
        *,
        live: bool,
        read_timeout_s: float | None = None,
    ) -> None:
        self.stop = threading.Event()
        self._container = container
        self._label = label
        self._read_timeout_s = read_timeout_s
        self._lock = threading.Lock()
        self._reading = False
        self._last: tuple[int, int] | None = None
        try:
            self._stream = video_of(container, label)
            self.decoder = PacketDecoder(self._stream.codec_context, label, live=live)
            self.codec = self._stream.codec_context.name
        except SourceError:
            container.close()
            raise
        self._tells_time = container.format.name == "rtsp"
        self._clocked = container.format.name not in _WITHOUT_CLOCK

    def frames(self) -> Iterator[Captured]:
        """Every picture, to the end of the stream.

        Raises:
            SourceError: the stream broke, or was silent for the read timeout.
        """
        with self._lock:
            if self.stop.is_set():
                return
            self._reading = True
        try:
            yield from self._read()
        finally:
            self._container.close()

    def _read(self) -> Iterator[Captured]:
        read_ns = now_ns()
        packets = self._container.demux(self._stream)
        while not self.stop.is_set():
            read_ns = now_ns()
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._end(error, read_ns)
                return
            arrived_ns = now_ns()
            if packet is None or packet.size == 0:
                # Some demuxers take an interrupted read for the end of the stream.
                self._end(None, read_ns)
                if not self.stop.is_set():
                    yield from self._pictures(None, arrived_ns)
                return
            yield from self._pictures(packet, arrived_ns)

    def _pictures(
        self, packet: "av.Packet[VideoStream] | None", arrived_ns: int
    ) -> Iterator[Captured]:
        for frame, captured_ns in self.decoder.decode(packet, arrived_ns):
            if self.stop.is_set():
                return
            pts_ns = self._pts_ns(frame, captured_ns)
            ntp_ns: int | None = None
            # Known from the first RTCP sender report on: the sender's time at pts 0.
            if self._tells_time and (origin_us := self._container.start_time_realtime):
                ntp_ns = origin_us * 1000 + pts_ns
            self._last = pts_ns, captured_ns
            yield Captured(VideoPicture(frame), pts_ns, captured_ns, ntp_ns)

    def _pts_ns(self, frame: av.VideoFrame, captured_ns: int) -> int:
        """Media time; where the stream tells none, the time that passed since the last."""
        if not self._clocked:
            return captured_ns
        # A frame that is flushed out has lost its own time base.
        if frame.pts is None or self._stream.time_base is None:
            if self._last is None:
                return -_USUAL_STEP_NS
            last_ns, last_captured_ns = self._last
            return last_ns + max(captured_ns - last_captured_ns, 1)
        pts_ns = media_ns(frame.pts, self._stream.time_base)
        if self._last is not None and 0 <= self._last[0] - pts_ns < _STEP_BACK_NS:
            # Clocks that are corrected by sender reports step back by a picture or so.
            return self._last[0] + 1000
        return pts_ns

    def _end(self, error: av.FFmpegError | None, read_ns: int) -> None:
        if self.stop.is_set():
            return
        waited_s = (now_ns() - read_ns) / NS_PER_S
        timeout_s = self._read_timeout_s
        silent = isinstance(error, av.error.ExitError)
        if timeout_s is not None and (silent or waited_s > 0.95 * timeout_s):
            raise SourceError(f"{self._label}: nothing came for {timeout_s:g} s") from None
        if error is not None:
            raise SourceError(f"{self._label}: the stream broke off ({reason(error)})") from None

    def close(self) -> bool:
        """Ends `frames`: at once, or when the read that blocks in FFmpeg returns.

        Returns:
            True when `frames` was never begun: the container is closed now.
        """
        with self._lock:
            self.stop.set()
            # FFmpeg must not lose a container that its own thread is reading.
            if self._reading:
                return False
            self._reading = True
            self._container.close()
            return True
