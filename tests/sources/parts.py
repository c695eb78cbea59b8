"""Real senders and servers on 127.0.0.1, and a reader that waits without sleeping."""

import contextlib
import http.server
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np

from livelens.errors import SourceError
from livelens.sources.pattern import Pattern
from livelens.spec import Source
from livelens.types import Captured

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
TEST_VIDEO = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=30"]
X264 = [
    *["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
    *["-g", "30", "-pix_fmt", "yuv420p"],
]


def write_clip(
    path: Path,
    *,
    frames: int = 50,
    fps: int = 25,
    size: tuple[int, int] = (320, 288),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotate: int | None = None,
) -> Path:
    """A clip whose pictures carry their number (`livelens.sources.counter`)."""
    scene = Pattern(width_px=size[0], height_px=size[1]).open()
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {"g": "25", "bf": "2"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size if rotate is None else size[::-1]
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            image = scene.draw(number)
            if rotate is not None:
                image = np.asarray(cv2.rotate(image, rotate), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def program(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed and reaped at the end."""
    process: subprocess.Popen[str] = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def ffmpeg(*arguments: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """ffmpeg sending a test picture at real-time pace."""
    return program(["ffmpeg", "-v", "error", "-nostdin", *TEST_VIDEO, *arguments])


def gst_rtp(
    port: int, *, size: str = "320x240", gop: int = 30, pay: str = "config-interval=-1"
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """GStreamer sending H.264 as plain RTP."""
    width, height = size.split("x")
    return program(
        [
            *["gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "pattern=ball", "!"],
            *[f"video/x-raw,width={width},height={height},framerate=30/1", "!", "x264enc"],
            *["tune=zerolatency", "speed-preset=ultrafast", f"key-int-max={gop}", "!"],
            *["rtph264pay", *pay.split(), "!", "udpsink", "host=127.0.0.1", f"port={port}"],
        ]
    )


class RtspServer:
    """`rtsp_server.py` in a process of its own.

    Attributes:
        url: of the stream, without user and password.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stdin is not None
        self._answers: IO[str] = process.stdout
        self._commands: IO[str] = process.stdin
        word, _, number = self._answers.readline().partition(" ")
        assert word == "port", "the RTSP server did not start"
        self.port = int(number)
        self.url = f"rtsp://127.0.0.1:{self.port}/live"

    def tell(self, command: str) -> None:
        """`freeze` or `resize`; returns when it is done."""
        print(command, file=self._commands, flush=True)
        assert self._answers.readline().startswith("done")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def rtsp_server(*arguments: str) -> Iterator[RtspServer]:
    """An RTSP server; see `rtsp_server.py` for the arguments."""
    with program([SYSTEM_PYTHON, str(RTSP_SERVER), *arguments]) as process:
        yield RtspServer(process)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Serves a folder; gives its URL."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Reader:
    """Reads a source on a thread, as the pipeline does.

    Attributes:
        pictures: what came.
        error: what it raised; None while it runs and after a clean end.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pictures: list[Captured] = []
        self.error: SourceError | None = None
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for captured in self.source.frames():
                with self._changed:
                    self.pictures.append(captured)
                    self._changed.notify_all()
        except SourceError as error:
            self.error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[list[Captured]], bool], timeout_s: float = 20) -> None:
        """Wait until the pictures are as wanted."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._ended or wanted(self.pictures), timeout_s)
            assert done, f"{len(self.pictures)} pictures came and then nothing"
            assert wanted(self.pictures), f"it ended: {self.error}"

    def count(self, number: int) -> None:
        """Wait for so many pictures."""
        self.wait_for(lambda pictures: len(pictures) >= number)

    def end(self, timeout_s: float = 20) -> SourceError | None:
        """Wait for the end; gives the error."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended, timeout_s), "it does not end"
        self._thread.join()
        return self.error

    def stop(self) -> None:
        """Close the source; its thread must end."""
        self.source.close()
        assert self.end() is None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self._thread.join(20)
        assert not self._thread.is_alive(), "close() does not end frames()"


def opened(open_it: Callable[[], Source], attempts: int = 100) -> Source:
    """Open as soon as the other side listens: programs do not tell when they do."""
    pause = threading.Event()
    for _ in range(attempts):
        try:
            return open_it()
        except SourceError as error:
            if "refused" not in str(error):
                raise
            pause.wait(0.1)
    raise AssertionError("nobody listens")
