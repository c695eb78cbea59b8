"""The sound of a film: taken over from the file that its pictures came from."""

import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Final, TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from livelens.clock import NS_PER_S
from livelens.errors import SinkError

# What players of MP4 know; other sound is encoded anew.
_COPIED: Final = frozenset({"aac", "mp3", "opus"})
_BIT_RATE_PER_CHANNEL: Final = 80_000
_AAC_RATES: Final = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
# Encoders need what came a little before the first sound they play; an edit list hides it.
_PRIMING: Final = Fraction(1, 10)

# Of the film's name in that of the file that will replace it: file systems take 255 bytes.
_NAME: Final = 60

AnyPacket: TypeAlias = "Packet[VideoStream] | Packet[AudioStream]"
Timed: TypeAlias = "tuple[Fraction, AnyPacket]"


def add_sound(film: Path, source: InputContainer, origin_ns: int, *, whole: bool) -> bool:
    """Give a film without sound that of its source. The film is replaced when all is written.

    Args:
        film: an MP4 file whose time begins with the source's first picture.
        source: freshly opened; its first sound track, or the one it prefers, is taken.
        origin_ns: time of the first picture in the source.
        whole: all pictures of the source are in the film, so all of its sound may be; else it
            ends with the film.

    Returns:
        False if the source has no sound.

    Raises:
        SinkError: the sound cannot be taken over; the film is as it was.
    """
    sound = source.streams.best("audio")
    if not isinstance(sound, AudioStream):
        return False
    made = film.with_name(f".{film.stem[:_NAME]}.sound")
    try:
        with (
            av.open(str(film)) as pictures,
            av.open(str(made), "w", format="mp4", options={"movflags": "faststart"}) as out,
        ):
            _write(out, pictures, source, sound, Fraction(origin_ns, NS_PER_S), whole=whole)
        os.replace(made, film)
    except (av.FFmpegError, OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SinkError(f"{film} has no sound: {' '.join(str(why).split())}") from None
    finally:  # also if somebody stops the work
        with suppress(OSError):
            made.unlink()
    return True


def _write(
    out: OutputContainer,
    pictures: InputContainer,
    source: InputContainer,
    sound: AudioStream,
    origin: Fraction,
    *,
    whole: bool,
) -> None:
    video = pictures.streams.video[0]
    shown = out.add_stream_from_template(video)
    end = None if whole else _length(video, pictures)
    codec = (
        sound.codec_context.codec.canonical_name if sound.codec_context is not None else "unknown"
    )
    if codec == "unknown":
        raise ValueError("nothing here knows its codec")
    if codec in _COPIED:
        heard = out.add_stream_from_template(sound)
        packets = _copied(source, sound, heard, origin, end)
    else:
        heard = out.add_stream("aac", rate=_rate(sound), layout=_layout(sound))
        heard.codec_context.bit_rate = (
            _BIT_RATE_PER_CHANNEL * heard.codec_context.layout.nb_channels
        )
        packets = _encoded(source, sound, heard, origin, end)
    for packet in _in_order(_pictures(pictures, video, shown), packets):
        out.mux(packet)


def _pictures(
    container: InputContainer, stream: VideoStream, target: VideoStream
) -> Iterator[Timed]:
    for packet in container.demux(stream):
        if packet.dts is not None:
            at = _seconds(packet.dts, packet.time_base)
            packet.stream = target
            yield at, packet


def _copied(
    container: InputContainer,
    stream: AudioStream,
    target: AudioStream,
    origin: Fraction,
    end: Fraction | None,
) -> Iterator[Timed]:
    """Packets as they are, at their times in the film."""
    last: int | None = None
    for packet in container.demux(stream):
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            continue
        shift = round(origin / packet.time_base)
        at = _seconds(packet.pts - shift, packet.time_base)
        if at < -_PRIMING or (end is not None and at >= end):
            continue
        dts = packet.dts - shift
        if last is not None and dts <= last:  # a muxer refuses to go back
            continue
        last = dts
        packet.pts, packet.dts = packet.pts - shift, dts
        packet.stream = target
        yield at, packet


def _encoded(
    container: InputContainer,
    stream: AudioStream,
    target: AudioStream,
    origin: Fraction,
    end: Fraction | None,
) -> Iterator[Timed]:
    """The sound as AAC. Packets that cannot be decoded are gaps."""
    context = target.codec_context
    if not context.is_open:
        context.open()
    shape = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size)
    heard = False
    for frame in _decoded(container, stream):
        if frame is not None:
            base = frame.time_base or Fraction(1, frame.sample_rate)
            at = _seconds(frame.pts, base) - origin
            if at < 0 or (end is not None and at >= end):
                continue
            frame.pts = round(at / base)
            heard = True
        elif not heard:
            raise ValueError("none of it can be decoded")
        for shaped in shape.resample(frame):
            for packet in target.encode(shaped):
                yield _seconds(packet.pts, packet.time_base), packet
    for packet in target.encode(None):
        yield _seconds(packet.pts, packet.time_base), packet


def _decoded(container: InputContainer, stream: AudioStream) -> Iterator[av.AudioFrame | None]:
    """Frames with a time; None at the end."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from (frame for frame in frames if frame.pts is not None)
    yield None


def _in_order(one: Iterator[Timed], other: Iterator[Timed]) -> Iterator[AnyPacket]:
    """Both by time; only one packet of each waits."""
    for _, packet in merge(one, other, key=lambda timed: timed[0]):
        yield packet


def _seconds(ticks: int | None, time_base: Fraction | None) -> Fraction:
    return (ticks or 0) * (time_base or Fraction(1))


def _length(video: VideoStream, container: InputContainer) -> Fraction:
    """How long the pictures last, in seconds."""
    if video.duration is not None and video.time_base is not None:
        return video.duration * video.time_base
    return Fraction(container.duration or 0, av.time_base)


def _rate(sound: AudioStream) -> int:
    """The sound's own sampling rate, or the next that AAC has."""
    fitting = [rate for rate in _AAC_RATES if rate <= sound.codec_context.rate]
    return fitting[0] if fitting else _AAC_RATES[-1]


def _layout(sound: AudioStream) -> str:
    """AAC is asked for one or two channels: more are mixed down."""
    return "mono" if sound.codec_context.layout.nb_channels == 1 else "stereo"
