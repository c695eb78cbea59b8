"""Starts and ends recordings, and keeps their number within the limits. On the event loop."""

import asyncio
import secrets
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog

from livelens import plugins
from livelens.clock import wall_ns
from livelens.errors import CapacityError, Conflict, Forbidden, LivelensError, NotFound
from livelens.events import Problem
from livelens.flow.engine import Engine
from livelens.flow.graph import stage_names
from livelens.flow.pipeline import Pipeline
from livelens.server.recordings.archive import Archive, End, Reason, RecordingInfo, to_delete
from livelens.server.recordings.settings import Recordings
from livelens.server.recordings.tape import Tape, TapeResults, TapeVideo
from livelens.server.threads import in_thread

log = structlog.get_logger(__name__)

_LOOK_EVERY_S: Final = 5.0
_WRITE_OUT_S: Final = 30.0
# At the end of the server, which has promised to be quick.
_LEAVE_S: Final = 1.5
_OFF = "recording is off: `recordings: {enabled: true}` in the configuration switches it on"
_WORDS: Final[dict[End, str]] = {
    "length": "the recording has reached its greatest length",
    "disk": "the recording has ended, since the disk is almost full",
    "space": "the recording has ended, since recordings take all the room that they may",
    "broken": "the recording has ended",
}


class Recorder:
    """All recordings of a server.

    Attributes:
        settings: what the configuration says.
        archive: the files.
        removed: recordings deleted, by reason.
    """

    def __init__(self, engine: Engine, settings: Recordings) -> None:
        self.settings = settings
        self.archive = Archive(settings.path)
        self.removed: Counter[Reason] = Counter()
        self._engine = engine
        self._ended: dict[str, RecordingInfo] = {}
        self._tapes: dict[str, Tape] = {}
        self._endings: dict[str, asyncio.Task[None]] = {}
        self._starting: set[tuple[str, bool]] = set()
        self._known = asyncio.Event()
        self._emptied: set[str] = set()
        self._closing = False

    # --- what there is

    @property
    def running(self) -> int:
        """Recordings that go on."""
        return len(self._tapes)

    @property
    def ended(self) -> list[RecordingInfo]:
        """Recordings that have ended; a copy, which any thread may have."""
        return list(self._ended.values())

    async def all(self) -> list[RecordingInfo]:
        """Every recording, the newest first. Raises Forbidden where recording is off."""
        await self._wait_until_known()
        going = await in_thread(_infos, list(self._tapes.values()))
        infos = {**self._ended, **{info.id: info for info in going}}
        return sorted(infos.values(), key=lambda each: (each.began_unix_s, each.id), reverse=True)

    async def get(self, recording_id: str) -> RecordingInfo:
        """One recording. Raises NotFound, Forbidden."""
        await self._wait_until_known()
        tape = self._tapes.get(recording_id)
        if tape is not None:
            return await in_thread(tape.info)
        info = self._ended.get(recording_id)
        if info is None:
            raise NotFound("there is no such recording")
        return info

    def tape(self, recording_id: str) -> Tape | None:
        """A recording that goes on."""
        return self._tapes.get(recording_id)

    # --- from start to end

    async def start(self, stream_id: str, *, drawn: bool) -> RecordingInfo:
        """Begin to record a stream.

        Raises:
            Forbidden: recording is off.
            NotFound: there is no such stream.
            Conflict: it is recorded already, or does not run.
            CapacityError: the disk is almost full.
            LivelensError: the folder cannot be used.
        """
        await self._wait_until_known()
        pipeline = self._engine.get(stream_id)
        taken = any(t.stream_id == stream_id and t.drawn == drawn for t in self._tapes.values())
        if taken or (stream_id, drawn) in self._starting:
            raise Conflict(f"the stream {stream_id!r} is being recorded already")
        if self._closing:
            raise Conflict("the server is stopping")
        self._starting.add((stream_id, drawn))
        try:
            tape = await in_thread(self._begun, pipeline, drawn, asyncio.get_running_loop())
            self._tapes[tape.id] = tape
        finally:
            self._starting.discard((stream_id, drawn))
        self._look_at(tape)  # it may have ended before it was known here
        log.info("recording", recording=tape.id, stream=stream_id)
        return await in_thread(tape.info)

    async def stop(self, recording_id: str, end: End = "asked") -> RecordingInfo:
        """End a recording; one that has ended stays as it is. Raises NotFound, Forbidden."""
        await self._wait_until_known()
        await self._finish(recording_id, end)
        return await self.get(recording_id)

    async def delete(self, recording_id: str, reason: Reason = "asked") -> None:
        """Delete a recording, after it has been ended if it still goes on.

        Raises:
            NotFound, Forbidden: there is none, recording is off.
            LivelensError: another server has the folder, or the disk refuses.
        """
        await self._wait_until_known()
        await self._finish(recording_id, "asked")
        if recording_id in self._emptied:  # it held nothing, and went with its end
            return
        await self.get(recording_id)
        await in_thread(self.archive.own)
        await in_thread(self.archive.delete, recording_id)
        if self._ended.pop(recording_id, None) is not None:
            self.removed[reason] += 1
            log.info("recording deleted", recording=recording_id, reason=reason)

    # --- the server's life

    async def keep(self) -> None:
        """Find what is there, then keep to the limits for as long as the server lives."""
        if not self.settings.enabled:
            return
        try:
            self._ended = await in_thread(self.archive.read)
        except LivelensError as error:
            log.warning("recordings", error=str(error))
        self._known.set()
        while True:
            try:
                await self.keep_to_limits()
            except (LivelensError, OSError) as error:
                log.warning("recordings", error=str(error))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def keep_to_limits(self) -> None:
        """Delete what is too old or too much; end what the disk has no room for."""
        if not self._ended and not self._tapes:
            return
        going = await in_thread(_infos, list(self._tapes.values()))
        total = sum(info.size_bytes for info in (*self._ended.values(), *going))
        if self.archive.owned:
            gone = to_delete(list(self._ended.values()), total, wall_ns() / 1e9, self.settings)
            for recording_id, reason in gone:
                info = self._ended.get(recording_id)
                if info is not None:
                    total -= info.size_bytes
                    await self.delete(recording_id, reason)
        if not going:
            return
        if await in_thread(self.archive.free_bytes) < self.settings.min_free_bytes:
            for info in going:
                await self._finish(info.id, "disk")
        elif self.settings.max_bytes is not None and total > self.settings.max_bytes:
            await self._finish(max(going, key=lambda each: each.size_bytes).id, "space")

    async def close(self) -> None:
        """End all recordings, soon."""
        self._closing = True
        for tape in list(self._tapes.values()):
            tape.finish("server")
            self._look_at(tape)
        if self._endings:
            await asyncio.wait(list(self._endings.values()), timeout=_LEAVE_S)
        await in_thread(self.archive.leave)

    async def _wait_until_known(self) -> None:
        if not self.settings.enabled:
            raise Forbidden(_OFF)
        await self._known.wait()

    def _begun(self, pipeline: Pipeline, drawn: bool, loop: asyncio.AbstractEventLoop) -> Tape:
        """Open the files and feed them; on a thread."""
        if pipeline.state in ("ended", "failed", "stopped"):
            raise Conflict(f"the stream {pipeline.stream_id!r} has {pipeline.state}")
        self.archive.own()
        if self.archive.free_bytes() < self.settings.min_free_bytes:
            raise CapacityError("the disk is almost full: nothing can be recorded", 60)
        began_ns = wall_ns()
        time = datetime.fromtimestamp(began_ns / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
        info = RecordingInfo(
            id=f"{pipeline.stream_id}-{time}-{secrets.token_hex(3)}",
            stream=pipeline.stream_id,
            drawn=drawn,
            state="recording",
            began_unix_s=round(began_ns / 1e9, 3),
            stages=stage_names(pipeline.spec.stages),
            flux=_flux(pipeline),
        )

        def changed(tape: Tape) -> None:
            with suppress(RuntimeError):  # the loop has gone
                loop.call_soon_threadsafe(self._look_at, tape)

        tape = Tape(self.archive, pipeline, info, self.settings.max_length_s, changed)
        name = "recording-drawn" if drawn else "recording"
        overlay = plugins.stage("overlay") if drawn else None
        try:
            self.archive.write(info)
            # Results first: the first picture's must not be missed.
            results = TapeResults(tape=tape)
            tape.lanes.append(pipeline.attach(f"{name}-results", results))
            video = TapeVideo(tape=tape, overlay=overlay)
            tape.lanes.append(pipeline.attach(name, video))
        except BaseException as error:
            for lane in tape.lanes:
                pipeline.detach(lane)
                lane.join(1.0)
            with suppress(LivelensError):
                self.archive.delete(info.id)
            if isinstance(error, OSError):
                why = error.strerror or str(error)
                raise LivelensError(f"cannot record into {self.archive.folder}: {why}") from None
            raise
        return tape

    def _look_at(self, tape: Tape) -> None:
        """Something happened to a tape: if it is its end, wind it up."""
        over = tape.end or tape.closed.is_set()
        if over and tape.id in self._tapes and tape.id not in self._endings:
            task = asyncio.get_running_loop().create_task(self._wind_up(tape))
            self._endings[tape.id] = task

    async def _wind_up(self, tape: Tape) -> None:
        try:
            info = await in_thread(self._wound_up, tape)
        except (LivelensError, OSError) as error:
            log.warning("recording", recording=tape.id, error=str(error))
            return
        finally:
            self._tapes.pop(tape.id, None)
            self._endings.pop(tape.id, None)
        if info is None:
            self.removed["empty"] += 1
            self._emptied.add(tape.id)
            log.info("recording deleted", recording=tape.id, reason="empty")
            return
        self._ended[info.id] = info
        log.info("recording ended", recording=info.id, why=info.end, seconds=info.duration_s)
        if (words := _WORDS.get(info.end)) is not None:
            told = f"{words}: {info.detail}" if info.detail else words
            self._engine.bus.publish(Problem(info.stream, "recording", told, wall_ns()))

    def _wound_up(self, tape: Tape) -> RecordingInfo | None:
        """Let the sinks write what they have, and keep what is known; on a thread."""
        for lane in tape.lanes:
            tape.pipeline.detach(lane)
        for lane in tape.lanes:
            lane.join(_WRITE_OUT_S)
        if not tape.end:
            tape.end, tape.detail = _why(tape.pipeline)
        info = tape.ended()
        if info.frames == 0 and tape.end != "broken":
            self.archive.delete(tape.id)
            return None
        try:
            self.archive.write(info)
        except OSError as error:
            log.warning("recording", recording=tape.id, error=str(error))
        return info

    async def _finish(self, recording_id: str, end: End) -> None:
        """End a recording if it goes on, and wait until it is complete."""
        tape = self._tapes.get(recording_id)
        if tape is not None:
            tape.finish(end)
            self._look_at(tape)
        task = self._endings.get(recording_id)
        if task is not None:
            await asyncio.wait([task])


def _flux(pipeline: Pipeline) -> list[dict[str, Any]]:
    stages = plugins.as_data(pipeline.spec)["stages"]
    return [stage for stage in stages if stage["type"] == "flux"]


def _infos(tapes: list[Tape]) -> list[RecordingInfo]:
    return [tape.info() for tape in tapes]


def _why(pipeline: Pipeline) -> tuple[End, str]:
    """Why a stream has closed its sinks."""
    state = pipeline.wait(3.0)
    if state == "ended":
        return "stream-ended", ""
    return ("stream-failed", pipeline.detail) if state == "failed" else ("stream-stopped", "")


def without_marks(info: RecordingInfo) -> RecordingInfo:
    """As it is told in lists."""
    return msgspec.structs.replace(info, seen={})
