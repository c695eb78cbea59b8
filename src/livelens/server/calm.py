"""Keeps full collections of garbage short, which stop every thread while they last.

They look at every object that there is: half a million of them once models and their
libraries are loaded, which takes hundreds of milliseconds. What is there when the streams
run will stay; so it is set aside, and collections look at what came after it.
"""

import asyncio
import gc

import structlog

from livelens import plugins
from livelens.clock import NS_PER_S, now_ns
from livelens.server.state import ServerState

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.5
# A stage that takes longer to open than this is not waited for.
_PATIENCE_NS = 60 * NS_PER_S
# Frames make young objects by the thousand; so many more may gather before anybody looks.
_THRESHOLDS = (5_000, 20, 20)


class Calm:
    """Sets aside what is there, whenever that is worth a pause.

    That is once the configured streams run, when a stream brings a kind of stage, and with it
    libraries, that was not there before, and when a stream is gone that was set aside.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._kinds: set[str] = set()
        self._streams: set[int] = set()
        self._settled = False
        self._waits_since_ns = 0

    async def keep(self) -> None:
        """Look again and again, until cancelled; then all is as it was."""
        before = gc.get_threshold()
        gc.set_threshold(*_THRESHOLDS)
        try:
            while True:
                if self.due():
                    self.settle()
                await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            gc.unfreeze()
            gc.set_threshold(*before)

    def due(self) -> bool:
        """Whether there is something to set aside, or to take back, and all stages are open."""
        if not self._state.streams.ready:
            return False
        pipelines = list(self._state.engine.streams.values())
        present = {id(pipeline) for pipeline in pipelines}
        kinds = {plugins.named(s) for pipeline in pipelines for s in pipeline.spec.stages}
        if self._settled and self._streams <= present and kinds <= self._kinds:
            self._waits_since_ns = 0
            return False
        opening = any(not lane.ready.is_set() for p in pipelines for lane in p.lanes())
        self._waits_since_ns = self._waits_since_ns or now_ns()
        return not opening or now_ns() - self._waits_since_ns > _PATIENCE_NS

    def settle(self) -> None:
        """Collect once more, and set aside what is left."""
        began_ns = now_ns()
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._settled, self._waits_since_ns = True, 0
        pipelines = list(self._state.engine.streams.values())
        self._streams = {id(pipeline) for pipeline in pipelines}
        self._kinds |= {plugins.named(s) for pipeline in pipelines for s in pipeline.spec.stages}
        log.debug(
            "objects set aside",
            objects=gc.get_freeze_count(),
            took_ms=round((now_ns() - began_ns) / 1e6),
        )
