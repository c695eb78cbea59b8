from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from livelens.errors import SourceError
from livelens.sources import reading
from livelens.sources.reading import PacketDecoder, media_ns, reason, video_of


def packets_of(
    container: av.container.InputContainer,
) -> tuple[VideoCodecContext, Iterator["av.Packet[VideoStream]"]]:
    stream = container.streams.video[0]
    return stream.codec_context, (one for one in container.demux(stream) if one.size)


def test_each_picture_has_the_arrival_of_its_own_packet(clip: Path) -> None:
    with av.open(str(clip)) as container:
        context, packets = packets_of(container)
        decoder = PacketDecoder(context, "clip", live=False)
        arrivals: dict[int | None, int] = {}
        pictures = []
        for arrived, packet in enumerate(packets, 1000):
            arrivals[packet.pts] = arrived
            pictures += decoder.decode(packet, arrived)
        pictures += decoder.decode(None, 9999)
    assert len(pictures) == 50
    assert [arrived for _, arrived in pictures] == [arrivals[one.pts] for one, _ in pictures]
    # B-frames: what is shown later may have come first.
    assert sorted(arrivals, key=lambda pts: pts or 0) != list(arrivals)


def test_what_comes_before_the_first_keyframe_is_counted_not_raised(clip: Path) -> None:
    with av.open(str(clip)) as container:
        _, packets = packets_of(container)
        coded = [av.Packet(b"\x00\x00\x00\x01" + bytes(one)[4:]) for one in packets]
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)
    decoder = PacketDecoder(context, "clip", live=True)
    for packet in coded[1:6]:
        assert decoder.decode(packet, 0) == []  # type: ignore[arg-type]
    assert decoder.counts.before_keyframe == 5
    assert decoder.counts.broken == 0


def test_packets_that_never_give_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PICTURE_TIMEOUT_NS", 0)
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, VideoCodecContext)
    decoder = PacketDecoder(context, "rtsp://camera", live=True)
    noise = av.Packet(b"\x00\x00\x00\x01\x41nothing that could be decoded")
    decoder.decode(noise, 0)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=r"^rtsp://camera: packets arrive, but none"):
        decoder.decode(noise, 0)  # type: ignore[arg-type]


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuvj420p")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert video_of(container, "song") is container.streams.video[0]
        container.streams.video[0].disposition = av.stream.Disposition.attached_pic
        with pytest.raises(SourceError, match=r"^song: there is no video in it"):
            video_of(container, "song")


@pytest.mark.parametrize(
    ("ticks", "base", "expected"),
    [
        (90_000, Fraction(1, 90_000), 1_000_000_000),
        (1, Fraction(1001, 30_000), 33_366_667),
        (-1, Fraction(1, 1000), -1_000_000),
    ],
)
def test_media_time(ticks: int, base: Fraction, expected: int) -> None:
    assert media_ns(ticks, base) == expected


def test_reasons_never_name_the_url() -> None:
    url = "rtsp://bob:hunter22@127.0.0.1:1/x"
    with pytest.raises(av.FFmpegError) as refused:
        av.open(url)
    assert reason(refused.value) == "Connection refused"
    assert reason(av.error.ExitError(1, "Immediate exit requested", url)) == "timed out"
    assert reason(ValueError("two\n lines")) == "two lines"
