"""Opens a source for a moment, to tell what it shows or why it does not."""

import asyncio
import threading
from contextlib import suppress

import msgspec

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import CapacityError, one_line
from livelens.server.threads import in_thread
from livelens.spec import Source, SourceSpec

_WITHIN_S = 5.0
# How long pictures are counted, to tell how many come in a second.
_COUNT_NS = NS_PER_S
_MOST_AT_ONCE = 2


class Seen(msgspec.Struct, frozen=True):
    """What a source shows.

    Attributes:
        codec: FFmpeg's name of it; None where there is none.
    """

    size_px: tuple[int, int]
    fps: float | None
    codec: str | None


class Probes:
    """Opens sources, a few at a time. One for each server; on the event loop."""

    def __init__(self) -> None:
        self._running = 0
        self._lock = threading.Lock()

    async def look(self, spec: SourceSpec) -> Seen | str:
        """What a source shows, or in one line why it does not, within about 5 s.

        Raises:
            CapacityError: others are being looked at.
        """
        with self._lock:
            if self._running >= _MOST_AT_ONCE:
                raise CapacityError("other sources are being tried: try again in a moment", 3)
            self._running += 1
        one = _Probe(_hasty(spec))
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await in_thread(self._counted, one)
        except TimeoutError:
            return f"{spec.label}: no picture came within {_WITHIN_S:g} s"
        finally:
            one.end()

    def _counted(self, one: "_Probe") -> Seen | str:
        try:
            return one.run()
        finally:  # also long after somebody ceased to wait
            with self._lock:
                self._running -= 1


class _Probe:
    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._ended = threading.Event()
        self._source: Source | None = None

    def run(self) -> Seen | str:
        source: Source | None = None
        try:
            source = self._source = self._spec.open()
            if self._ended.is_set():
                return "nobody waits for it any more"
            return self._looked_at(source)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            return one_line(error)
        finally:
            if source is not None:
                with suppress(Exception):
                    source.close()

    def end(self) -> None:
        """End it soon. Never waits: sources close on their own threads."""
        self._ended.set()
        source = self._source
        if source is not None:
            threading.Thread(target=_close, args=(source,), name="probe", daemon=True).start()

    def _looked_at(self, source: Source) -> Seen | str:
        size_px: tuple[int, int] | None = None
        first_ns = last_ns = 0
        count = 0
        began_ns = now_ns()
        for captured in source.frames():
            if size_px is None:
                first_ns, began_ns = captured.pts_ns, now_ns()
            size_px = captured.picture.width, captured.picture.height
            last_ns = captured.pts_ns
            count += 1
            told = getattr(getattr(source, "info", None), "fps", None)
            if told or self._ended.is_set() or now_ns() - began_ns > _COUNT_NS:
                break
        if size_px is None:
            return f"{self._spec.label}: it ended before a picture came"
        fps = getattr(getattr(source, "info", None), "fps", None)
        if not fps and last_ns > first_ns:
            fps = (count - 1) * NS_PER_S / (last_ns - first_ns)
        codec = getattr(getattr(source, "info", None), "codec", None)
        codec = codec or getattr(source, "codec", None)
        return Seen(size_px, round(fps, 2) if fps else None, codec)


def _hasty(spec: SourceSpec) -> SourceSpec:
    """The source with time limits that fit."""
    names = {field.name for field in msgspec.structs.fields(spec)}
    shorter = {
        name: min(getattr(spec, name), _WITHIN_S - 1)
        for name in ("open_timeout_s", "read_timeout_s")
        if name in names
    }
    return msgspec.structs.replace(spec, **shorter) if shorter else spec


def _close(source: Source) -> None:
    with suppress(Exception):
        source.close()
