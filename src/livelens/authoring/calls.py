"""Calls foreign code on a thread of its own, and says in one line what it did wrong, and where."""

import queue
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from livelens.errors import LivelensError, one_line

Answer = TypeVar("Answer")

_OURS = str(Path(__file__).parents[1])
_PYTHON = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")})


class Fault(LivelensError):
    """Foreign code raised, or did not return; the message ends with its file and line."""


class Hang(Fault):
    """Foreign code did not return in time; its thread is lost."""


class _Task(Generic[Answer]):
    """A call and, once `done` is set, what came of it."""

    def __init__(self, function: Callable[[], Answer]) -> None:
        self.function = function
        self.done = threading.Event()
        self.answer: Answer
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self.function()
        except BaseException as error:  # noqa: BLE001 - foreign code may raise anything
            self.error = error
        self.done.set()


class Worker:
    """A thread that makes all its calls in turn, as a worker of a lane does.

    Args:
        home: the folder of the foreign code; errors name the last line of it that ran.
        limit_s: a call that takes longer hangs.
    """

    def __init__(self, home: Path | None, limit_s: float) -> None:
        self._home = str(home.resolve()) if home is not None else None
        self._limit_s = limit_s
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Named as the stages of a pipeline: the command knows how to end with one that hangs.
        self._thread = threading.Thread(target=self._work, name="stage:test", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], Answer]) -> Answer:
        """What the function answers.

        Raises:
            Fault: it raised.
            Hang: it has not returned; this worker is of no use any more.
        """
        return self.outcome(self.begin(function))

    def begin(self, function: Callable[[], Answer]) -> "_Task[Answer]":
        """Have the function called; `outcome` waits for it."""
        task = _Task(function)
        self._tasks.put(task.run)
        return task

    def end(self) -> None:
        """Let the thread end when its calls are done."""
        self._tasks.put(None)

    def outcome(self, task: "_Task[Answer]") -> Answer:
        """What came of a call that was begun; raises as `call` does."""
        if not task.done.wait(self._limit_s):
            frame = sys._current_frames().get(self._thread.ident or 0)
            where = self._place(traceback.extract_stack(frame)) if frame is not None else ""
            raise Hang(f"no answer within {self._limit_s:g} s{where}")
        if task.error is not None:
            raise fault(task.error, self._home) from None
        return task.answer

    def _work(self) -> None:
        while (run := self._tasks.get()) is not None:
            run()

    def _place(self, stack: traceback.StackSummary) -> str:
        return _place(stack, self._home)


def fault(error: BaseException, home: str | None) -> Fault:
    """The error of foreign code in one line, with the file and line of that code."""
    stack = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename is not None:
        return Fault(f"SyntaxError: {error.msg} ({_short(error.filename)}:{error.lineno})")
    return Fault(one_line(error) + _place(stack, home))


def _place(stack: traceback.StackSummary, home: str | None) -> str:
    """The innermost line under `home`; without one, the innermost that is nobody's library."""
    lines = [frame for frame in stack if home and frame.filename.startswith(home)]
    if not lines:
        known = (_OURS, *_PYTHON, "<frozen")
        lines = [frame for frame in stack if not frame.filename.startswith(known)]
    if not lines:
        return ""
    last = lines[-1]
    return f" ({_short(last.filename)}:{last.lineno}, in {last.name})"


def _short(file: str) -> str:
    here = Path.cwd()
    return str(Path(file).relative_to(here)) if Path(file).is_relative_to(here) else file
