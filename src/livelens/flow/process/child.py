"""The process of one worker: how it is started, and how it ends in every case."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

from livelens.errors import StageError
from livelens.flow.process.wire import Wire

# What a library's pool of threads goes by, unless the user has said it already.
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ProcessDied(StageError):
    """The process of a worker is gone; it has to be opened anew."""


class Child:
    """A running `livelens.flow.process.worker`.

    It is started from nothing, not forked: this process has threads, and locks that they
    hold. It leads a process group of its own, so that a Ctrl-C is for its parent alone and
    that all it has started ends with it. Of the *lifeline* pipe it has the reading end:
    that closes when the parent is gone, even if that was killed, and ends the child.

    Args:
        threads: how many CPU threads it may keep busy.

    Attributes:
        wire: to talk to it.

    Raises:
        StageError: it cannot be started.
    """

    def __init__(self, threads: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        hearing, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "livelens.flow.process.worker"),
                    *(str(theirs.fileno()), str(hearing)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a plug-in prints must not get between results on stdout
                pass_fds=(theirs.fileno(), hearing),
                process_group=0,
                env=_environment(threads),
            )
        except (OSError, ValueError) as error:
            ours.close()
            os.close(self._lifeline)
            raise StageError(f"no worker process can be started: {error}") from None
        finally:
            theirs.close()
            os.close(hearing)
        self.wire = Wire(ours)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """End it and all it has started, now. Any thread, any number of times.

        Whoever waits for its answer gets EOFError.
        """
        if self._process.returncode is None:  # until it is reaped, its number is its own
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self.wire.hang_up()

    def died(self) -> ProcessDied:
        """Clear up after it has hung up; says what happened to it."""
        self.kill()
        self.end(0.0)
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        return ProcessDied(f"worker process died ({how})")

    def end(self, patience_s: float) -> None:
        """Let it close its stage and end; kill it if that takes longer."""
        self.wire.hang_up()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self.wire.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


def _environment(threads: int) -> dict[str, str]:
    """This process's own, its module path, and how many threads to use."""
    here = {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    return dict.fromkeys(_THREAD_COUNTS, str(threads)) | dict(os.environ) | here
