"""One recording while it is written: its sinks, and what is known of it so far.

Pictures and results come on two threads of their own. The event loop reads what is known, and
is told when something happens.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

import cv2
import msgspec

from livelens.clock import nanoseconds, seconds, wall_ns
from livelens.errors import LivelensError, SinkError
from livelens.events import Result, encoded, result_of
from livelens.flow.ends import SinkLane
from livelens.flow.pipeline import Pipeline
from livelens.media.fragments import Fragments
from livelens.server.recordings.archive import Archive, End, RecordingInfo
from livelens.server.recordings.seen import Seen, names_in
from livelens.sinks.record import Record, Recording
from livelens.spec import SinkSpec
from livelens.types import Frame, Item

_PICTURE_WIDTH_PX = 480
# The first picture of many cameras is black or green.
_BETTER_PICTURE_NS = 2_000_000_000
# Results of the first pictures may be told before the video has its first one.
_MOST_EARLY = 64


class TapeVideo(SinkSpec, frozen=True, kw_only=True):
    """Feeds a tape's video."""

    capacity: ClassVar[int] = 16
    tape: Any

    def open(self, stream_id: str) -> "VideoSink":
        tape: Tape = self.tape
        return VideoSink(tape)


class TapeResults(SinkSpec, frozen=True, kw_only=True):
    """Feeds a tape's results."""

    capacity: ClassVar[int] = 64
    tape: Any

    @property
    def takes(self) -> Literal["picture", "item"]:
        return "item"

    def open(self, stream_id: str) -> "ResultsSink":
        tape: Tape = self.tape
        return ResultsSink(tape)


class Tape:
    """A recording that goes on.

    Args:
        archive: where its files are.
        pipeline: what is recorded.
        began: what is known at the start.
        max_length_s: it asks to be ended after so long.
        changed: called on any thread when it wants to be ended, or has been.

    Attributes:
        end, detail: why it ends, from when that is known on.
        closed: nothing more is written to the video.
        lanes: that feed it.
    """

    def __init__(
        self,
        archive: Archive,
        pipeline: Pipeline,
        began: RecordingInfo,
        max_length_s: float,
        changed: Callable[["Tape"], None],
    ) -> None:
        self.id = began.id
        self.stream_id = began.stream
        self.pipeline = pipeline
        self.end: End = ""
        self.detail = ""
        self.closed = threading.Event()
        self.lanes: list[SinkLane] = []
        self.first_pts_ns: int | None = None
        self.seen = Seen()
        self.lines = 0
        self.max_length_ns = nanoseconds(max_length_s)
        self._archive = archive
        self._began = began
        self._changed = changed
        self._last_pts_ns = 0
        self._frames = 0
        self._size_px: tuple[int, int] | None = None
        self._fragments = Fragments()
        self._looking = threading.Lock()

    @property
    def drawn(self) -> bool:
        """Whether it records drawn pictures."""
        return self._began.drawn

    def file(self, suffix: str) -> Path:
        """The path of one of its files."""
        return self._archive.file(self.id, suffix)

    def finish(self, end: End, detail: str = "") -> None:
        """Say why it ends; the first reason is kept."""
        if not self.end:
            self.end, self.detail = end, detail
            self._changed(self)

    def took(self, frame: Frame) -> None:
        """A picture is in the video. Called on the video's thread."""
        if self.first_pts_ns is None:
            self._size_px = frame.size_px
            self.first_pts_ns = frame.pts_ns
            self._keep_facts()  # after a crash, results are found by the first picture's time
        self._frames += 1
        self._last_pts_ns = frame.pts_ns
        if frame.pts_ns - self.first_pts_ns >= self.max_length_ns:
            self.finish("length")

    def let_go(self) -> None:
        """The video is complete. Called on its thread."""
        self.closed.set()
        self._changed(self)

    def info(self) -> RecordingInfo:
        """What is known now; looks at the files, so it may wait for the disk."""
        with self._looking:
            if not self.closed.is_set():
                with suppress(OSError):  # not begun
                    self._fragments.look(self.file(".mp4"))
            playable = self._fragments.whole_bytes
        began = self.first_pts_ns
        duration_s = seconds(self._last_pts_ns - began) if began is not None else 0.0
        fps = (self._frames - 1) / duration_s if duration_s > 0 else 0.0
        if self.closed.is_set() and fps > 0:
            duration_s += 1 / fps  # the last picture is seen, too
        return msgspec.structs.replace(
            self._began,
            duration_s=round(duration_s, 3),
            size_bytes=self._archive.size_bytes(self.id),
            frames=self._frames,
            fps=round(fps, 2),
            size_px=self._size_px,
            results=self.lines,
            first_pts_ns=began or 0,
            seen=self.seen.spans,
            playable_bytes=playable,
        )

    def ended(self) -> RecordingInfo:
        """What is known of it for good."""
        return msgspec.structs.replace(
            self.info(),
            state="ended",
            ended_unix_s=round(wall_ns() / 1e9, 3),
            end=self.end,
            detail=self.detail,
            playable_bytes=0,
        )

    def snapshot(self, to: int | None) -> tuple[int, bytes] | None:
        """The length in bytes of what can be played, and the head that tells how long it lasts.

        Args:
            to: where a fragment ended before, so that the answer is the same again.
        """
        with self._looking:
            try:
                self._fragments.look(self.file(".mp4"))
                end = self._fragments.whole_bytes if to is None else to
                duration_s = self._fragments.duration_at(end)
                if duration_s is None:
                    return None
                return end, self._fragments.head(self.file(".mp4"), duration_s)
            except OSError:
                return None

    def _keep_facts(self) -> None:
        facts = msgspec.structs.replace(
            self._began, first_pts_ns=self.first_pts_ns or 0, size_px=self._size_px
        )
        try:
            self._archive.write(facts)
        except OSError as error:
            raise SinkError(f"cannot write {self.file('.json')}: {error.strerror}") from None


class VideoSink:
    """Writes the video and the picture that stands for it."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._picture_due_ns: int | None = None
        spec = Record(path=str(tape.file(".mp4")), index=True)
        self._recording = Recording(spec, tape.stream_id)

    @property
    def wanted(self) -> bool:
        return not self._tape.end

    def put(self, item: Item) -> None:
        """Record a picture. Raises SinkError."""
        frame = item.frame
        if self._tape.end:
            return
        try:
            self._recording.put(item)
            self._tape.took(frame)
            if self._picture_due_ns is None or frame.pts_ns >= self._picture_due_ns > 0:
                first = self._picture_due_ns is None
                self._picture_due_ns = frame.pts_ns + _BETTER_PICTURE_NS if first else 0
                _keep_picture(frame, self._tape.file(".jpg"))
        except LivelensError as error:
            self._tape.finish("broken", str(error))
            raise

    def close(self) -> None:
        """Complete the file. Raises SinkError."""
        try:
            self._recording.close()
        except SinkError as error:
            self._tape.finish("broken", str(error))
            raise
        finally:
            self._tape.let_go()


class ResultsSink:
    """Writes the results of the frames that are in the video, line by line."""

    wanted = True

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._early: list[Result] = []
        try:
            self._file = tape.file(".jsonl").open("wb", buffering=0)
        except OSError as error:
            raise SinkError(f"cannot write {tape.file('.jsonl')}: {error.strerror}") from None

    def put(self, item: Item) -> None:
        """Write what is known about a frame. Raises SinkError."""
        result = result_of(item, dict(item.dropped))
        if self._tape.first_pts_ns is None:
            self._early = [*self._early[1 - _MOST_EARLY :], result]
            return
        self._write([*self._early, result], self._tape.first_pts_ns)
        self._early = []

    def close(self) -> None:
        """Close the file."""
        if self._early and self._tape.first_pts_ns is not None:
            self._write(self._early, self._tape.first_pts_ns)
        self._file.close()

    def _write(self, results: list[Result], first_pts_ns: int) -> None:
        tape = self._tape
        try:
            for result in results:
                if result.pts_ns < first_pts_ns:
                    continue
                self._file.write(encoded(result) + b"\n")
                tape.lines += 1
                tape.seen.add(seconds(result.pts_ns - first_pts_ns), names_in(result))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            tape.finish("broken", f"cannot write results: {why}")
            raise SinkError(f"cannot write results: {why}") from None


def _keep_picture(frame: Frame, path: Path) -> None:
    """Write a small JPEG. A recording without one is still a recording."""
    width, height = frame.size_px
    small = min(1.0, _PICTURE_WIDTH_PX / width)
    size = max(1, round(width * small)), max(1, round(height * small))
    pixels = cv2.cvtColor(frame.picture.rgb_resized(*size), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 82])
    if done:
        fresh = path.with_suffix(".jpg.new")
        try:
            fresh.write_bytes(data.tobytes())
            fresh.replace(path)
        except OSError:
            return
