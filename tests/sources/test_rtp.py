"""Plain RTP from GStreamer and ffmpeg, and through a relay that loses and mixes packets."""

import contextlib
import itertools
import os
import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from livelens import plugins
from livelens.errors import ConfigError, SourceError
from livelens.sources import reading
from livelens.sources.rtp import Rtp, RtpSource
from tests.sources.parts import X264, Reader, ffmpeg, gst_rtp, kill
from tests.sources.test_url import growing, sizes


def listen(
    codec: str = "h264", on_loss: str = "conceal", open_timeout_s: float = 15, **more: object
) -> RtpSource:
    spec = plugins.source(
        {
            "type": "rtp",
            "host": "127.0.0.1",
            "port": 0,
            "codec": codec,
            "on_loss": on_loss,
            "open_timeout_s": open_timeout_s,
            **more,
        }
    )
    assert isinstance(spec, Rtp)
    return spec.open()


@contextlib.contextmanager
def relay(target: int, treat: Callable[[int, bytes], list[bytes]]) -> Iterator[int]:
    """Forwards datagrams as `treat` says, given each one's number."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as entrance,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exit_,
    ):
        entrance.bind(("127.0.0.1", 0))
        entrance.settimeout(0.1)
        stop = threading.Event()

        def run() -> None:
            number = 0
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    data = entrance.recv(65536)
                    for each in treat(number, data):
                        exit_.sendto(each, ("127.0.0.1", target))
                    number += 1

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield entrance.getsockname()[1]
        finally:
            stop.set()
            thread.join()


@contextlib.contextmanager
def noise(port: int) -> Iterator[None]:
    """Random datagrams, half of which look like RTP, and RTCP."""
    stop = threading.Event()
    source = random.Random(11)

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.wait(0.002):
                data = bytearray(os.urandom(source.randrange(0, 1400)))
                if data and source.random() < 0.5:
                    data[0] = 0x80
                sender.sendto(bytes(data), ("127.0.0.1", port))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.e2e
class TestSenders:
    @pytest.mark.parametrize(
        "pay", ["", "config-interval=-1 pt=110", "config-interval=1 aggregate-mode=zero-latency"]
    )
    def test_gstreamer(self, pay: str) -> None:
        with Reader(source := listen()) as reader, gst_rtp(source.port, pay=pay):
            reader.count(45)
            assert sizes(reader.pictures) == [(320, 240)]
            steps = [b.pts_ns - a.pts_ns for a, b in itertools.pairwise(reader.pictures)]
            assert all(abs(step - 33_333_333) < 1_000_000 for step in steps)
            reader.stop()
        assert source.counts.lost == 0

    def test_ffmpeg(self) -> None:
        source = listen()
        with Reader(source) as reader, ffmpeg(*X264, "-f", "rtp", f"rtp://127.0.0.1:{source.port}"):
            reader.count(45)
            assert growing(reader.pictures)

    def test_h265(self) -> None:
        source = listen(codec="h265")
        x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency"]
        more = ["-x265-params", "log-level=error:keyint=30", "-pix_fmt", "yuv420p"]
        address = f"rtp://127.0.0.1:{source.port}"
        with Reader(source) as reader, ffmpeg(*x265, *more, "-f", "rtp", address):
            reader.count(45)
            assert growing(reader.pictures)

    def test_parameter_sets_told_apart_from_the_stream(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "PICTURE_TIMEOUT_NS", 1_000_000_000)
        source = listen()
        without = [*X264, "-flags", "+global_header", "-f", "rtp"]
        with Reader(source) as reader, ffmpeg(*without, f"rtp://127.0.0.1:{source.port}") as sender:
            assert "config-interval" in str(reader.end())
            assert sender.stdout is not None
            line = next(one for one in sender.stdout if "sprop-parameter-sets" in one)
        sets = line.split("sprop-parameter-sets=")[1].split(";")[0].strip()
        source = listen(parameter_sets=sets)
        with Reader(source) as reader, ffmpeg(*without, f"rtp://127.0.0.1:{source.port}"):
            reader.count(10)

    def test_joins_in_the_middle_of_a_gop(self) -> None:
        source = listen()
        begun = threading.Event()

        def late(number: int, data: bytes) -> list[bytes]:
            if number > 30:
                begun.set()
            return [data] if begun.is_set() else []

        with (
            Reader(source) as reader,
            relay(source.port, late) as port,
            gst_rtp(port, gop=60, pay="config-interval=1"),
        ):
            reader.count(30)
            assert source.counts.before_keyframe > 0
            assert growing(reader.pictures)

    def test_sender_restarts_with_another_size(self) -> None:
        with Reader(source := listen()) as reader:
            with gst_rtp(source.port):
                reader.count(20)
            with gst_rtp(source.port, size="480x360"):
                reader.wait_for(lambda got: sizes(got)[-1:] == [(480, 360)])
                reader.count(len(reader.pictures) + 10)
            assert sizes(reader.pictures) == [(320, 240), (480, 360)]
            assert growing(reader.pictures)

    def test_noise_on_the_port(self) -> None:
        with (
            Reader(source := listen()) as reader,
            noise(source.port),
            gst_rtp(source.port),
        ):
            reader.count(60)
            assert sizes(reader.pictures) == [(320, 240)]
            assert source.counts.noise > 0
            assert source.counts.broken == 0

    def test_falls_silent(self) -> None:
        with (
            Reader(source := listen(read_timeout_s=1)) as reader,
            gst_rtp(source.port) as sender,
        ):
            reader.count(10)
            kill(sender)
            assert "nothing came for 1 s" in str(reader.end())


@pytest.mark.e2e
class TestLoss:
    def test_overtaking_packets_harm_nothing(self) -> None:
        source = listen()
        held: list[bytes] = []

        def swap(_: int, data: bytes) -> list[bytes]:
            held.append(data)
            if len(held) < 3:
                return []
            mixed = [held[1], held[2], held[0]]
            held.clear()
            return mixed

        with Reader(source) as reader, relay(source.port, swap) as port, gst_rtp(port):
            reader.count(60)
            assert growing(reader.pictures)
        assert source.counts.lost == 0
        assert source.counts.broken == 0

    def test_lost_packets_are_counted_and_concealed(self) -> None:
        source = listen()

        def lose(number: int, data: bytes) -> list[bytes]:
            return [] if number > 20 and number % 17 == 0 else [data]

        with (
            Reader(source) as reader,
            relay(source.port, lose) as port,
            gst_rtp(port, size="640x480"),
        ):
            reader.count(90)
            assert growing(reader.pictures)
        assert source.counts.lost > 0

    def test_waiting_for_a_keyframe_after_a_loss(self) -> None:
        source = listen(on_loss="wait")

        def lose(number: int, data: bytes) -> list[bytes]:
            return [] if number == 40 else [data]

        with (
            Reader(source) as reader,
            relay(source.port, lose) as port,
            gst_rtp(port, gop=30),
        ):
            reader.count(60)
            steps = [b.pts_ns - a.pts_ns for a, b in itertools.pairwise(reader.pictures)]
        assert source.counts.lost == 1
        # A part of a GOP is missing in one piece.
        assert sum(step > 40_000_000 for step in steps) == 1
        assert source.counts.broken == 0


def test_nothing_comes() -> None:
    source = listen(open_timeout_s=0.3)
    with Reader(source) as reader:
        assert str(reader.end()) == "rtp://127.0.0.1:0: nothing came within 0.3 s"


def test_only_noise_comes() -> None:
    source = listen(open_timeout_s=1)
    with Reader(source) as reader, noise(source.port):
        assert "no RTP with H.264 came within 1 s (" in str(reader.end())
    assert reader.pictures == []


def test_a_taken_port() -> None:
    source = listen()
    with pytest.raises(SourceError, match=f"rtp://127.0.0.1:{source.port}: Address already in use"):
        Rtp(host="127.0.0.1", port=source.port).open()
    source.close()
    # Closed before it was read: the port is free again.
    Rtp(host="127.0.0.1", port=source.port).open().close()


def test_an_address_of_another_machine() -> None:
    with pytest.raises(SourceError, match="Cannot assign requested address"):
        Rtp(host="192.0.2.1", port=0).open()


def test_a_multicast_group() -> None:
    source = Rtp(host="239.255.77.1", port=0).open()
    source.close()


@pytest.mark.parametrize(
    ("url", "spec"),
    [
        ("rtp://0.0.0.0:9777", Rtp(port=9777)),
        ("rtp://:9777", Rtp(port=9777)),
        ("rtp://[::]:9777", Rtp(host="::", port=9777)),
        (
            "rtp://127.0.0.1:1?codec=h265&payload_type=97",
            Rtp(host="127.0.0.1", port=1, codec="h265", payload_type=97),
        ),
    ],
)
def test_url(url: str, spec: Rtp) -> None:
    assert plugins.source(url) == spec


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("rtp://0.0.0.0", "names no port"),
        ("rtp://0.0.0.0:99999", "Port out of range"),
        ("rtp://camera:9777", "an IP address to listen on"),
        ("rtp://0.0.0.0:9777?codec=vp9", "h264 or h265"),
        ("rtp://0.0.0.0:9777?payload_type=200", "0..127"),
        ("rtp://0.0.0.0:9777?pt=96", "unknown pt"),
    ],
)
def test_bad_url(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        plugins.source(url)
