"""Every protocol against a real server, and every way in which one fails."""

import itertools
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import psutil
import pytest
from av.video.codeccontext import VideoCodecContext

from livelens import plugins
from livelens.clock import wall_ns
from livelens.errors import ConfigError, SourceError
from livelens.sources.counter import read_counter
from livelens.sources.reading import PacketDecoder
from livelens.sources.url import Url, UrlSource
from livelens.types import Captured
from tests.sources import parts
from tests.sources.parts import X264, Reader, RtspServer, ffmpeg, free_port, opened


def sizes(pictures: list[Captured]) -> list[tuple[int, int]]:
    seen = [(one.picture.width, one.picture.height) for one in pictures]
    return [size for size, _ in itertools.groupby(seen)]


def growing(pictures: list[Captured]) -> bool:
    return all(a.pts_ns < b.pts_ns for a, b in itertools.pairwise(pictures))


@pytest.mark.e2e
class TestRtsp:
    @pytest.mark.parametrize("transport", ["tcp", "udp"])
    def test_pictures(self, rtsp: RtspServer, transport: str) -> None:
        spec = plugins.source({"type": "url", "url": rtsp.url, "transport": transport})
        assert spec.live
        with Reader(spec.open()) as reader:
            reader.count(30)
            assert sizes(reader.pictures) == [(320, 240)]
            assert growing(reader.pictures)
            assert reader.pictures[5].picture.bgr().shape == (240, 320, 3)
            reader.stop()

    def test_pictures_come_when_they_are_sent(self, rtsp: RtspServer) -> None:
        with Reader(Url(url=rtsp.url).open()) as reader:
            reader.count(60)
            first, last = reader.pictures[20], reader.pictures[59]
        media_s = (last.pts_ns - first.pts_ns) / 1e9
        real_s = (last.captured_ns - first.captured_ns) / 1e9
        assert media_s == pytest.approx(39 / 30, abs=0.1)
        assert real_s == pytest.approx(media_s, abs=0.5)

    def test_tells_the_clock_of_the_sender(self, rtsp: RtspServer) -> None:
        with Reader(Url(url=rtsp.url).open()) as reader:
            reader.wait_for(lambda got: bool(got) and got[-1].ntp_ns is not None)
            told_ns = reader.pictures[-1].ntp_ns
        assert told_ns is not None
        assert abs(wall_ns() - told_ns) < 5_000_000_000

    def test_changes_its_size(self, rtsp: RtspServer) -> None:
        with Reader(Url(url=rtsp.url).open()) as reader:
            reader.count(10)
            rtsp.tell("resize")
            reader.wait_for(lambda got: sizes(got)[-1:] == [(480, 360)])
            reader.count(len(reader.pictures) + 10)
            assert sizes(reader.pictures) == [(320, 240), (480, 360)]
            assert growing(reader.pictures)

    def test_freezes(self, rtsp: RtspServer) -> None:
        with Reader(Url(url=rtsp.url, read_timeout_s=1).open()) as reader:
            reader.count(10)
            rtsp.tell("freeze")
            assert str(reader.end()) == f"{rtsp.url}: nothing came for 1 s"

    def test_dies(self, rtsp: RtspServer) -> None:
        with Reader(Url(url=rtsp.url).open()) as reader:
            reader.count(10)
            rtsp.kill()
            error = reader.end()
        assert str(error) in (
            f"{rtsp.url}: the stream ended",
            f"{rtsp.url}: the stream broke off (Connection reset by peer)",
        )

    def test_hangs_in_open(self) -> None:
        with (
            parts.rtsp_server("--mode", "hang") as server,
            pytest.raises(SourceError, match=r"/live: no answer within 0\.5 s$"),
        ):
            Url(url=server.url, open_timeout_s=0.5).open()

    def test_password(self) -> None:
        with parts.rtsp_server("--user", "bob", "--password", "hunter22") as server:
            address = server.url.removeprefix("rtsp://")
            with Reader(Url(url=f"rtsp://bob:hunter22@{address}").open()) as reader:
                reader.count(5)
            with pytest.raises(SourceError, match="401 Unauthorized") as refused:
                Url(url=f"rtsp://bob:swordfish@{address}").open()
            assert str(refused.value).startswith(f"rtsp://bob:***@{address}: ")
            assert "swordfish" not in str(refused.value)

    def test_nothing_is_left_behind(self, rtsp: RtspServer) -> None:
        process = psutil.Process()

        def turn() -> None:
            with Reader(Url(url=rtsp.url).open()) as reader:
                reader.count(2)
            with pytest.raises(SourceError):
                Url(url=rtsp.url + "-not").open()
            Url(url=rtsp.url).open().close()

        turn()
        files, threads = process.num_fds(), process.num_threads()
        for _ in range(4):
            turn()
        assert process.num_fds() <= files
        assert process.num_threads() <= threads

    def test_no_such_stream(self, rtsp: RtspServer) -> None:
        with pytest.raises(SourceError, match="404 Not Found"):
            Url(url=rtsp.url + "-not").open()

    def test_closed_before_it_is_read(self, rtsp: RtspServer) -> None:
        source = Url(url=rtsp.url).open()
        source.close()
        source.close()
        assert list(source.frames()) == []


@pytest.mark.e2e
class TestOthers:
    def test_rtmp(self) -> None:
        url = f"rtmp://127.0.0.1:{free_port()}/live/x"
        with (
            ffmpeg(*X264, "-f", "flv", "-listen", "1", url) as sender,
            Reader(opened(Url(url=url).open)) as reader,
        ):
            reader.count(30)
            assert growing(reader.pictures)
            parts.kill(sender)
            assert str(reader.end()).startswith(f"{url}: the stream ")

    def test_mpeg_ts_over_udp(self) -> None:
        url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        with (
            ffmpeg(*X264, "-f", "mpegts", f"{url}?pkt_size=1316") as sender,
            Reader(Url(url=url, open_timeout_s=15, read_timeout_s=1).open()) as reader,
        ):
            reader.count(30)
            assert growing(reader.pictures)
            parts.kill(sender)
            assert str(reader.end()) == f"{url}: nothing came for 1 s"

    def test_nobody_sends_udp(self) -> None:
        url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        with pytest.raises(SourceError, match=r"no answer within 0\.5 s"):
            Url(url=url, open_timeout_s=0.5).open()

    def test_http_mjpeg(self) -> None:
        url = f"http://127.0.0.1:{free_port()}/camera"
        with (
            ffmpeg("-f", "mpjpeg", "-listen", "1", url) as sender,
            Reader(opened(Url(url=url).open)) as reader,
        ):
            reader.count(60)
            first, last = reader.pictures[0], reader.pictures[-1]
            # MJPEG has no timestamps; FFmpeg would count 25 pictures per second.
            assert last.pts_ns - first.pts_ns == last.captured_ns - first.captured_ns
            parts.kill(sender)
            assert str(reader.end()).startswith(f"{url}: the stream ")

    def test_hls(self, tmp_path: Path) -> None:
        arguments = [*X264, "-f", "hls", "-hls_time", "1", "-hls_list_size", "4"]
        with (
            parts.web_server(tmp_path) as base,
            ffmpeg(*arguments, str(tmp_path / "a.m3u8")),
            Reader(_when_there(f"{base}/a.m3u8")) as reader,
        ):
            reader.count(75)
            first, last = reader.pictures[0], reader.pictures[74]
        # Segments come in bursts and leave at their own pace.
        assert last.captured_ns - first.captured_ns > 0.9 * (last.pts_ns - first.pts_ns) > 1e9


def _when_there(url: str) -> UrlSource:
    pause = threading.Event()
    for _ in range(100):
        try:
            return Url(url=url).open()
        except SourceError as error:
            assert "404" in str(error)  # noqa: PT017
            pause.wait(0.1)
    raise AssertionError("ffmpeg wrote no playlist")


@pytest.fixture
def web(tmp_path: Path, clip: Path) -> Iterator[str]:
    shutil.copy(clip, tmp_path / "clip.mp4")
    (tmp_path / "folder").mkdir()
    (tmp_path / "page.html").write_text("<p>Not a film at all.</p>\n" * 200)
    (tmp_path / "page.txt").write_text("Not a film at all.\n" * 200)
    with parts.web_server(tmp_path) as base:
        yield base


@pytest.mark.e2e
class TestHttpFiles:
    def test_a_file_is_read_to_its_end(self, web: str) -> None:
        spec = Url(url=f"{web}/clip.mp4")
        assert not spec.live
        pictures = list(spec.open().frames())
        assert [read_counter(one.picture.bgr()) for one in pictures] == list(range(50))

    def test_a_file_taken_for_live_is_paced_and_its_end_is_a_failure(self, web: str) -> None:
        reader = Reader(Url(url=f"{web}/clip.mp4", kind="live").open())
        assert str(reader.end()) == f"{web}/clip.mp4: the stream ended"
        first, last = reader.pictures[0], reader.pictures[-1]
        assert last.captured_ns - first.captured_ns >= 1_850_000_000

    def test_missing(self, web: str) -> None:
        with pytest.raises(SourceError, match=r"none\.mp4: Server returned 404 Not Found$"):
            Url(url=f"{web}/none.mp4").open()

    def test_redirects(self, web: str) -> None:
        # Python's server redirects a folder's name to the same name with a slash.
        with pytest.raises(SourceError, match="a redirect, which is not followed"):
            Url(url=f"{web}/folder", redirects=0).open()
        with pytest.raises(SourceError, match="no video"):
            Url(url=f"{web}/folder").open()

    @pytest.mark.parametrize("name", ["page.html", "page.txt"])
    def test_no_video(self, web: str, name: str) -> None:
        with pytest.raises(SourceError, match="what it sends is no video"):
            Url(url=f"{web}/{name}").open()

    def test_a_playlist_cannot_read_files_of_this_machine(
        self, web: str, tmp_path: Path, clip: Path
    ) -> None:
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", tmp_path / "a.ts"], check=True
        )
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
        (tmp_path / "good.m3u8").write_text(text.format("a.ts"))
        (tmp_path / "bad.m3u8").write_text(text.format(f"file://{tmp_path}/a.ts"))
        with Reader(Url(url=f"{web}/good.m3u8").open()) as reader:
            reader.count(3)
        with pytest.raises(SourceError):
            Url(url=f"{web}/bad.m3u8").open()


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://bob:hunter22@127.0.0.1:1/x",
        "rtmp://bob:hunter22@127.0.0.1:1/x/y",
        "http://bob:hunter22@127.0.0.1:1/x?token=hunter22",
        "https://bob:hunter22@127.0.0.1:1/x",
        "rtsps://bob:hunter22@127.0.0.1:1/x",
        "rtsp://bob:hunter22@host.invalid/x",
        "http://bob:hunter22@host.invalid/x.m3u8?hunter22",
        "rtsp://bob:hunter22@%%%/x",
    ],
)
def test_passwords_are_never_told(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    spec = plugins.source(url)
    assert "hunter22" not in spec.label
    with pytest.raises(SourceError) as refused:
        spec.open()
    assert str(refused.value).startswith(spec.label + ": ")
    assert "hunter22" not in str(refused.value)
    assert "\n" not in str(refused.value)
    told = capfd.readouterr()
    assert "hunter22" not in told.out + told.err


def test_an_unknown_host_is_called_so() -> None:
    with pytest.raises(SourceError, match="its host name is unknown"):
        Url(url="rtsp://host.invalid/x").open()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"url": "file:///etc/passwd"}, "'file' is none of http, https"),
        ({"url": "concat:a|b"}, "'concat' is none of"),
        ({"url": "clip.mp4"}, "'no scheme' is none of"),
        ({"url": "rtsp:///live"}, "names no host"),
        ({"url": "rtsp://bob:hunter22@:99999/x"}, "malformed"),
        ({"url": "rtsp://[::1/x"}, "malformed"),
        ({"url": "rtsp://h/x", "read_timeout_s": 0}, "read_timeout_s is above 0"),
        ({"url": "rtsp://h/x", "transport": "pigeon"}, "transport"),
        ({"url": "rtsp://h/x", "retry": True}, "retry"),
    ],
)
def test_bad_settings(data: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        plugins.source({"type": "url", **data}, "$.source")
    assert "$.source" in str(refused.value)
    assert "hunter22" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "live"),
    [
        ("rtsp://h/clip.mp4", True),
        ("http://h/clip.mp4", False),
        ("https://h/clip.MKV?x=1", False),
        ("http://h/live.m3u8", True),
        ("http://h/camera", True),
        ("udp://239.0.0.1:5000", True),
    ],
)
def test_what_counts_as_live(url: str, live: bool) -> None:
    assert plugins.source(url).live is live
    assert Url(url=url, kind="file").live is False
    assert Url(url=url, kind="live").live is True


def test_a_live_decoder_holds_nothing_back(tmp_path: Path) -> None:
    path = parts.write_clip(tmp_path / "a.mp4", options={"bf": "0", "g": "25"})
    waits = {}
    for live in (True, False):
        with av.open(str(path)) as container:
            context = container.streams.video[0].codec_context
            assert isinstance(context, VideoCodecContext)
            context.thread_count = 4
            decoder = PacketDecoder(context, "a.mp4", live=live)
            packets = container.demux(container.streams.video[0])
            waits[live] = next(
                number for number, packet in enumerate(packets, 1) if decoder.decode(packet, number)
            )
    assert waits[True] == 1
    # Why: frame threads keep a picture each.
    assert waits[False] > 1
