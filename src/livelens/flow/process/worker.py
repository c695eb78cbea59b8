"""The child's half of a process lane: `python -m livelens.flow.process.worker SOCKET LIFELINE`."""

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from livelens import errors
from livelens.errors import StageError, one_line
from livelens.flow.contract import check_results
from livelens.flow.opening import open_here
from livelens.flow.process.parcel import Bytes, Parcel, packed, unpacked, without_kept
from livelens.flow.process.segments import Shelf
from livelens.flow.process.stage import load_spec
from livelens.flow.process.wire import Done, Failed, Need, Open, Opened, Room, Spans, Wire, Work
from livelens.spec import Stage
from livelens.types import Item


def main(wire_fd: int, lifeline_fd: int) -> None:
    """Open a stage and work until the parent hangs up. Does not return."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # For the parent to decide; not ignored, which what a stage starts would inherit.
        signal.signal(number, lambda *_: None)
    _end_with(lifeline_fd)
    wire = Wire(socket.socket(fileno=wire_fd))
    # A process that works for one parent alone ends as soon as that is gone: nobody reads
    # what its libraries would say, and some take long to be taken down.
    with suppress(EOFError, OSError):
        stage = _opened(wire)
        if stage is not None:
            try:
                _serve(wire, stage)
            finally:
                with suppress(Exception):
                    stage.close()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


def _end_with(lifeline_fd: int) -> None:
    """End when the other end of the pipe closes, even in the middle of foreign code.

    The pipe's becoming readable raises SIGIO, whose default is the end of the process: that
    needs neither a thread nor the interpreter, which native code may hold on to.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline_fd, fcntl.F_GETFL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, flags | os.O_ASYNC)


def _opened(wire: Wire) -> Stage | None:
    message, _ = wire.receive()
    assert isinstance(message, Open)
    if message.python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = message.python_path
    _limit_threads(message.threads)
    try:
        stage = open_here(load_spec(message))
    except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
        wire.send(_failed(error))
        return None
    wire.send(Opened())
    return stage


def _limit_threads(threads: int) -> None:
    """OpenCV alone needs to be told; the rest goes by the environment."""
    import cv2

    cv2.setNumThreads(threads)


def _serve(wire: Wire, stage: Stage) -> None:
    shelf = Shelf()
    while True:
        message, fds = wire.receive()
        assert isinstance(message, Work)
        shelf.learn(message.new, fds, message.gone)
        outcome = _processed(stage, shelf, message)
        if isinstance(outcome, Failed):
            answer: Done | Failed = outcome
        else:
            spans = _shared(wire, shelf, outcome, message.room)
            answer = Done(outcome.payload, spans, [])
        del outcome
        # The items are gone by now, and with them what nobody else looks at.
        answer.released.extend(shelf.released())
        wire.send(answer)


def _processed(stage: Stage, shelf: Shelf, work: Work) -> Parcel | Failed:
    """Call the stage; what it raises is an answer too."""
    try:
        items = _items_of(shelf, work)
        results = stage.process(items)
        check_results(items, results)
        return _results(items, results)
    except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
        return _failed(error)


def _items_of(shelf: Shelf, work: Work) -> list[Item]:
    parts: list[Bytes] = []
    if work.spans is not None:
        parts = shelf.parts(work.spans.segment, work.spans.places, keep=work.keep)
    try:
        return unpacked(work.items, parts)
    except StageError as error:
        raise StageError(f"items cannot be read in the worker process: {error}") from None


def _results(items: Sequence[Item], results: Sequence[Item]) -> Parcel:
    try:
        return packed(without_kept(items, results))
    except StageError as error:
        raise StageError(f"results cannot leave the worker process: {error}") from None


def _shared(wire: Wire, shelf: Shelf, parcel: Parcel, room: int | None) -> Spans | None:
    """Put the large buffers into a segment, which the parent makes if there is none."""
    if not parcel.buffers:
        return None
    if room is None or shelf.by_number(room).size < parcel.size:
        wire.send(Need(parcel.size))
        message, fds = wire.receive()
        assert isinstance(message, Room)
        shelf.learn(message.new, fds, message.gone)
        room = message.segment
    return Spans(room, parcel.write(shelf.by_number(room).all()))


def _failed(error: BaseException) -> Failed:
    """An error as an answer: its class, or the nearest above it that every process knows."""
    ours = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__]
    return Failed(ours[0] if ours else "", one_line(error), [])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
