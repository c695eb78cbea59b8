"""Decoding H.264 and VP8: on a thread of its own, fed by a short queue."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import av
import structlog
from av.video.codeccontext import VideoCodecContext

from livelens.errors import Closed
from livelens.media.payload import VideoCodec
from livelens.media.picture import VideoPicture

log = structlog.get_logger(__name__)

Tag = TypeVar("Tag")

_DECODERS: Final[dict[VideoCodec, str]] = {"h264": "h264", "vp8": "vp8"}


class VideoDecoder:
    """Decodes frame by frame, without delay: a frame in, a picture out."""

    def __init__(self, codec: VideoCodec) -> None:
        context = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(context, VideoCodecContext)
        # Frame threads would hold each picture back by one frame per thread.
        context.thread_count = 1
        context.options = {"flags": "low_delay"}
        self._context = context

    def decode(self, data: bytes) -> list[VideoPicture]:
        """Decode one frame (Annex B for H.264).

        Raises:
            ValueError: the data cannot be decoded.
        """
        try:
            return [VideoPicture(frame) for frame in self._context.decode(av.Packet(data))]
        except av.FFmpegError as error:
            raise ValueError(f"cannot be decoded: {error}") from error


class DecodingThread(Generic[Tag]):
    """A decoder on a thread. When it falls behind it drops to the next keyframe.

    Args:
        name: of the thread.
        on_picture: called on the thread with every picture and the tag of its frame.
        on_trouble: called on any thread when a keyframe is needed to go on.
        capacity: most frames waiting.
    """

    def __init__(
        self,
        codec: VideoCodec,
        on_picture: Callable[[VideoPicture, Tag], None],
        on_trouble: Callable[[], None],
        *,
        name: str = "decode",
        capacity: int = 15,
    ) -> None:
        self.decoded = 0
        self.undecodable = 0
        self.overrun = 0
        self._codec = codec
        self._on_picture = on_picture
        self._on_trouble = on_trouble
        self._capacity = capacity
        self._waiting: deque[tuple[bytes, bool, Tag]] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._needs_keyframe = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, data: bytes, keyframe: bool, tag: Tag) -> None:
        """Hand over a frame; never waits."""
        with self._ready:
            if self._closed:
                return
            if len(self._waiting) >= self._capacity:
                self.overrun += len(self._waiting)
                self._waiting.clear()
                self._needs_keyframe = True
            if self._needs_keyframe and not keyframe:
                self.overrun += 1
                trouble = True
            else:
                self._needs_keyframe = False
                self._waiting.append((data, keyframe, tag))
                self._ready.notify()
                trouble = False
        if trouble:
            self._on_trouble()

    def close(self) -> None:
        """End the thread; what waits is not decoded any more. Does not wait for the end."""
        with self._ready:
            self._closed = True
            self._waiting.clear()
            self._ready.notify()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; False when it takes longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        decoder = VideoDecoder(self._codec)
        while True:
            with self._ready:
                while not self._waiting and not self._closed:
                    self._ready.wait()
                if self._closed:
                    return
                data, _, tag = self._waiting.popleft()
            try:
                pictures = decoder.decode(data)
            except ValueError as error:
                log.debug("frame dropped", codec=self._codec, reason=str(error))
                self._fail()
                continue
            for picture in pictures:
                self.decoded += 1
                try:
                    self._on_picture(picture, tag)
                except Closed:
                    # Whoever took the pictures is gone; the peer is closed by him.
                    self.close()

    def _fail(self) -> None:
        with self._ready:
            self.undecodable += 1
            self._needs_keyframe = True
            # A keyframe that waits already is as good as a new one.
            while self._waiting and not self._waiting[0][1]:
                self._waiting.popleft()
                self.undecodable += 1
            if self._waiting:
                self._needs_keyframe = False
                return
        self._on_trouble()
