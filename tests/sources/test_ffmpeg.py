import itertools
import socket
import stat
import threading
from pathlib import Path

import psutil
import pytest

from livelens import plugins
from livelens.errors import ConfigError, SourceError
from livelens.sources.device import Device
from livelens.sources.ffmpeg import Ffmpeg, FfmpegSource
from tests.sources.parts import X264, Reader, ffmpeg, free_port, kill
from tests.sources.test_url import growing, sizes

LAVFI = {"f": "lavfi", "re": ""}


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def files() -> int:
    return psutil.Process().num_fds()


@pytest.mark.e2e
class TestSrt:
    def test_called_by_a_sender(self) -> None:
        port = free_port(socket.SOCK_DGRAM)
        url = f"srt://127.0.0.1:{port}?mode=listener"
        opening = _Opening(Ffmpeg(url=url, read_timeout_s=1, open_timeout_s=20))
        # The sender gives up at once when nobody listens yet.
        for _ in range(50):
            with ffmpeg(*X264, "-f", "mpegts", f"srt://127.0.0.1:{port}") as sender:
                if not opening.done.wait(2) and sender.poll() is not None:
                    continue
                with Reader(opening.source()) as reader:
                    reader.count(45)
                    assert sizes(reader.pictures) == [(320, 240)]
                    assert growing(reader.pictures)
                    kill(sender)
                    assert str(reader.end()).startswith(f"srt://127.0.0.1:{port}?…: ")
                return
        raise AssertionError("the sender never got through")

    def test_calling_a_sender(self) -> None:
        port = free_port(socket.SOCK_DGRAM)
        with ffmpeg(*X264, "-f", "mpegts", f"srt://127.0.0.1:{port}?mode=listener"):
            source = Ffmpeg.from_url(f"srt://127.0.0.1:{port}").open()
            with Reader(source) as reader:
                reader.count(10)
                reader.stop()

    def test_wrong_passphrase(self) -> None:
        port = free_port(socket.SOCK_DGRAM)
        secret = "passphrase=hunter22hunter22"
        with ffmpeg(*X264, "-f", "mpegts", f"srt://127.0.0.1:{port}?mode=listener&{secret}"):
            spec = Ffmpeg(url=f"srt://127.0.0.1:{port}?passphrase=swordfish12345")
            with pytest.raises(SourceError) as refused:
                spec.open()
        assert "passphrase is wrong" in str(refused.value)
        assert "swordfish" not in str(refused.value)

    def test_nobody_listens(self) -> None:
        url = f"srt://bob:hunter22@127.0.0.1:{free_port(socket.SOCK_DGRAM)}?streamid=hunter22"
        spec = plugins.source(url)
        with pytest.raises(SourceError) as refused:
            spec.open()
        assert str(refused.value).startswith(spec.label)
        assert "hunter22" not in str(refused.value)
        assert "\n" not in str(refused.value)


class _Opening:
    """Opens on a thread; a listener waits for its sender."""

    def __init__(self, spec: Ffmpeg) -> None:
        self._spec = spec
        self._result: list[FfmpegSource | SourceError] = []
        self.done = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.append(self._spec.open())
        except SourceError as error:
            self._result.append(error)
        self.done.set()

    def source(self) -> FfmpegSource:
        assert self.done.wait(20)
        [result] = self._result
        assert not isinstance(result, SourceError), result
        return result


@pytest.mark.e2e
class TestProcess:
    def test_pictures_that_are_not_coded(self) -> None:
        with Reader(Ffmpeg(url="testsrc=size=320x240:rate=30", input_options=LAVFI).open()) as one:
            one.count(10)
            assert sizes(one.pictures) == [(320, 240)]

    def test_leaves_no_file_open(self) -> None:
        spec = Ffmpeg(url="testsrc=duration=1", input_options={"f": "lavfi"})
        before = files()
        unread = spec.open()
        unread.close()
        read = spec.open()
        list(itertools.islice(read.frames(), 3))
        read.close()
        with pytest.raises(SourceError):
            Ffmpeg(url="none.mp4").open()
        assert files() <= before

    def test_is_gone_after_close(self) -> None:
        before = children()
        reader = Reader(Ffmpeg(url="testsrc=rate=30", input_options=LAVFI).open())
        reader.count(3)
        assert len(children() - before) == 1
        reader.stop()
        assert children() == before

    def test_is_gone_when_closed_unread(self) -> None:
        before = children()
        source = Ffmpeg(url="testsrc=rate=30", input_options=LAVFI).open()
        source.close()
        source.close()
        assert children() == before
        assert list(source.frames()) == []

    def test_is_gone_after_its_end(self) -> None:
        before = children()
        reader = Reader(Ffmpeg(url="testsrc=duration=1", input_options={"f": "lavfi"}).open())
        assert str(reader.end()) == "testsrc=duration=1: the stream ended"
        assert len(reader.pictures) == 25
        assert children() == before

    def test_close_does_not_wait_for_the_read_timeout(self, tmp_path: Path) -> None:
        reader = Reader(_silent_after_a_second(tmp_path, read_timeout_s=3600).open())
        reader.count(20)
        reader.stop()

    def test_silence(self, tmp_path: Path) -> None:
        before = children()
        reader = Reader(_silent_after_a_second(tmp_path, read_timeout_s=0.5).open())
        assert str(reader.end()) == "testsrc=duration=1: nothing came for 0.5 s"
        assert children() == before

    def test_no_answer(self) -> None:
        before = children()
        url = f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        with pytest.raises(SourceError, match=r"no answer within 0\.3 s$"):
            Ffmpeg(url=url, open_timeout_s=0.3).open()
        assert children() == before

    def test_its_last_words_are_the_error(self) -> None:
        with pytest.raises(SourceError) as refused:
            Ffmpeg(url="rtsp://bob:hunter22@127.0.0.1:1/x?token=hunter22").open()
        assert str(refused.value) == "rtsp://bob:***@127.0.0.1:1/x?…: Connection refused"

    def test_no_ffmpeg(self) -> None:
        with pytest.raises(SourceError, match=r"not installed .*apt-get install ffmpeg\)$"):
            Ffmpeg(url="srt://127.0.0.1:1", program="ffmpeg-that-is-not-there").open()

    def test_a_long_gop_is_waited_for(self, tmp_path: Path) -> None:
        # As when no keyframe comes within the first look, which is short.
        script = _program(
            tmp_path,
            'case "$*" in *"-analyzeduration 500000 "*)\n'
            'echo "[nut @ 0x55d0] dimensions not set" >&2; exit 1;; esac\nexec ffmpeg "$@"\n',
        )
        spec = Ffmpeg(url="testsrc=rate=30", input_options=LAVFI, program=script)
        with Reader(spec.open()) as reader:
            reader.count(5)

    def test_a_stream_without_a_size_is_given_up(self, tmp_path: Path) -> None:
        script = _program(tmp_path, 'echo "[nut @ 0x55d0] dimensions not set" >&2; exit 1\n')
        spec = Ffmpeg(url="testsrc", input_options=LAVFI, program=script, open_timeout_s=2)
        with pytest.raises(SourceError, match=r"^testsrc: \[nut\] dimensions not set$"):
            spec.open()


def _program(folder: Path, body: str) -> str:
    script = folder / "other-ffmpeg"
    script.write_text(f"#!/bin/sh\n{body}")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def _silent_after_a_second(folder: Path, read_timeout_s: float) -> Ffmpeg:
    """A program that passes on what ffmpeg says, and then hangs."""
    return Ffmpeg(
        url="testsrc=duration=1",
        input_options={"f": "lavfi"},
        program=_program(folder, 'ffmpeg "$@"\nexec sleep 3600\n'),
        read_timeout_s=read_timeout_s,
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"url": ""}, "names nothing"),
        ({"url": "x", "input_options": {"-y": ""}}, "'-y' is no input option"),
        ({"url": "x", "input_options": {"i": "y"}}, "'i' is no input option"),
        ({"url": "x", "open_timeout_s": -1}, "open_timeout_s is above 0"),
    ],
)
def test_bad_settings(data: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        plugins.source({"type": "ffmpeg", **data})


def test_bad_url() -> None:
    with pytest.raises(ConfigError, match=r"srt://bob:\*\*\*@h names no port"):
        plugins.source("srt://bob:hunter22@h")
    with pytest.raises(ConfigError, match="malformed"):
        plugins.source("srt://bob:hunter22@h:99999")


class TestDevice:
    def test_arguments(self) -> None:
        spec = plugins.source("v4l2:///dev/video2?size=1280x720&fps=30&format=mjpeg")
        assert isinstance(spec, Device)
        assert " ".join(spec.arguments()) == (
            "-f v4l2 -input_format mjpeg -framerate 30 -video_size 1280x720 -i /dev/video2"
        )
        assert spec.live
        assert spec.label == "/dev/video2"

    def test_as_the_driver_likes(self) -> None:
        assert Device().arguments() == ["-f", "v4l2", "-i", "/dev/video0"]

    @pytest.mark.parametrize("path", ["/dev/video99", "/dev/null"])
    def test_no_camera(self, path: str) -> None:
        with pytest.raises(SourceError, match=f"^{path}: [A-Z][a-z ]+"):
            Device(path=path).open()

    @pytest.mark.parametrize(
        "url",
        [
            "v4l2:///etc/passwd",
            "v4l2:///dev/../etc/passwd",
            "v4l2:///dev/video0?size=big",
            "v4l2:///dev/video0?fps=0",
            "v4l2:///dev/video0?format=a,b",
            "v4l2:///dev/video0?colour=red",
        ],
    )
    def test_bad_url(self, url: str) -> None:
        with pytest.raises(ConfigError):
            plugins.source(url)
