"""A stage whose work is done in another process. To its lane it is a stage like any other."""

import importlib
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from livelens import errors
from livelens.errors import ConfigError, LivelensError, StageError
from livelens.flow.process.child import Child, ProcessDied
from livelens.flow.process.parcel import packed, unpacked, with_kept
from livelens.flow.process.segments import Mapped, Pool
from livelens.flow.process.wire import (
    Done,
    Failed,
    Message,
    Need,
    Open,
    Opened,
    Room,
    Segment,
    Spans,
    Work,
)
from livelens.plugins import as_data, converted
from livelens.spec import StageSpec
from livelens.types import Item

_CLOSE_S = 1.0


class ProcessStage:
    """Opens a stage in a child, and lets it process.

    Args:
        spec: the stage; its class must be found by the child, so it lies in a module.

    Attributes:
        dead: the child is gone, and nothing will be processed any more.

    Raises:
        ConfigError: the class of the spec is in a script, a function or a notebook.
        StageError: no process can be started.
    """

    def __init__(self, spec: StageSpec) -> None:
        threads = max(1, _cores() // spec.workers)
        self._opening = Open(
            _place_of(type(spec)), _settings_of(spec), threads, os.environ.get("PYTHONPATH")
        )
        self.dead = False
        self._pool = Pool()
        self._room_size = 0
        self._child = Child(threads)

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._child.pid

    def open(self) -> None:
        """Have the stage opened, and wait for it.

        Raises:
            LivelensError: what the stage raised.
            ProcessDied: the child did not survive it.
        """
        try:
            reply = self._ask(self._opening)
        except ProcessDied as died:
            self.close()
            raise ProcessDied(f"{died} while it opened the stage") from None
        if not isinstance(reply, Opened):
            self.close()
            raise _error_of(reply, "cannot be opened: ")

    def process(self, items: Sequence[Item]) -> list[Item]:
        """What the stage makes of the items; frames that it left alone are the given ones.

        Raises:
            LivelensError: what the stage raised.
            StageError: items cannot go to another process, or results cannot come back.
            ProcessDied: the child did not survive it.
        """
        try:
            parcel = packed(items)
        except StageError as error:
            raise StageError(f"cannot be handed to a worker process: {error}") from None
        room = self._pool.take(self._room_size) if self._room_size else None
        inside = self._pool.take(parcel.size) if parcel.buffers else None
        spans = Spans(inside.number, parcel.write(inside.all())) if inside is not None else None
        keep, number = not self._pool.crowded, None if room is None else room.number
        reply = self._hand(partial(Work, parcel.payload, spans, keep, number))
        while isinstance(reply, Need):
            if room is not None:
                self._pool.give(room)
            self._room_size = reply.size
            room = self._pool.take(reply.size)
            reply = self._hand(partial(Room, room.number))
        return self._results(items, reply, room)

    def kill(self) -> None:
        """End the child now, whatever it does; a call that waits for it raises. Any thread."""
        self._child.kill()

    def kill_after(self, delay_s: float) -> None:
        """`kill`, unless it has ended by then."""
        timer = threading.Timer(delay_s, self.kill)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Let the child close its stage and end; within a second, or it is killed."""
        self.dead = True
        self._child.end(_CLOSE_S)
        self._pool = Pool()  # pictures that are still looked at keep their memory

    def _results(self, items: Sequence[Item], reply: Message, room: Mapped | None) -> list[Item]:
        if isinstance(reply, Done | Failed):
            for number in reply.released:
                self._pool.give_number(number)
        if not isinstance(reply, Done):
            if room is not None:
                self._pool.give(room)
            raise _error_of(reply)
        parts = []
        if room is not None and reply.spans is not None:
            pool, lent = self._pool, room
            parts = room.parts(
                reply.spans.places, keep=not pool.crowded, free=lambda: pool.give(lent)
            )
        elif room is not None:
            self._pool.give(room)
        try:
            return with_kept(items, unpacked(reply.results, parts))
        except StageError as error:
            raise StageError(f"the results cannot be read here: {error}") from None

    def _hand(self, message: Callable[[list[Segment], list[int]], Message]) -> Message:
        """Send a message with all that is new about the segments; returns the answer."""
        new, fds, gone = self._pool.changes()
        try:
            return self._ask(message(new, gone), fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _ask(self, question: Message, fds: Sequence[int] = ()) -> Message:
        if self.dead:
            raise self._child.died()
        try:
            self._child.wire.send(question, fds)
            reply, _ = self._child.wire.receive()
        except (OSError, EOFError, msgspec.DecodeError):
            self.dead = True
            raise self._child.died() from None
        return reply


def load_spec(opening: Open) -> StageSpec:
    """The spec that an `Open` tells of; the child's half of `ProcessStage`.

    One of several workers has only its share of the cores, also for its model.

    Raises:
        ConfigError: its class cannot be imported, or its settings mean something else here.
    """
    module, _, name = opening.spec.partition(":")
    try:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything while it is imported
        why = errors.one_line(error)
        raise ConfigError(f"{opening.spec} cannot be imported: {why}") from None
    if not (isinstance(found, type) and issubclass(found, StageSpec)):
        raise ConfigError(f"{opening.spec} is no stage")
    spec = converted(opening.settings, found, opening.spec)
    # As stages with a model call it; 0 leaves the number to a runtime, which takes all cores.
    if spec.workers > 1 and getattr(spec, "threads", None) == 0:
        return msgspec.structs.replace(spec, threads=opening.threads)
    return spec


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _place_of(kind: type[StageSpec]) -> str:
    module, name = kind.__module__, kind.__qualname__
    if module == "__main__" or "<" in name:
        where = "the script that was started" if module == "__main__" else "a function"
        raise ConfigError(
            f"{name} is defined in {where}, where a process lane does not find it: "
            "put it into a module, or use lane: thread"
        )
    return f"{module}:{name}"


def _settings_of(spec: StageSpec) -> dict[str, object]:
    settings = as_data(spec)
    del settings["type"]
    return settings


def _error_of(reply: Message, foreign: str = "") -> LivelensError:
    """The error that the child met, as the class that it was, or the nearest that we know."""
    if not isinstance(reply, Failed):
        return StageError(f"the worker process answered out of turn: {type(reply).__name__}")
    kind = getattr(errors, reply.kind, None) if reply.kind else None
    if isinstance(kind, type) and issubclass(kind, LivelensError):
        return kind(reply.message)
    return StageError(foreign + reply.message)
