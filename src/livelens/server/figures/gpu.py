"""What NVIDIA GPUs are used, where there are any: nvidia-smi tells, on a thread of its own."""

import shutil
import subprocess
import threading
from contextlib import suppress

import msgspec
import structlog

from livelens.clock import NS_PER_S, now_ns

log = structlog.get_logger(__name__)

_QUERY = "index,name,utilization.gpu,memory.used,memory.total"
_EVERY_S = 2
_STALE_NS = 15 * NS_PER_S


class Gpu(msgspec.Struct, frozen=True):
    """One card as a whole, whoever uses it.

    Attributes:
        percent: of the time in which something ran on it; None where it does not tell, as
            cards that are split (MIG) do.
    """

    index: int
    name: str
    percent: float | None
    memory_mib: float | None
    memory_total_mib: float | None


class GpuWatch:
    """Asks nvidia-smi, which goes on telling until `close`. Any thread.

    A process that stays costs less than one every few seconds, each of which would have to
    load the driver's library.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int, tuple[int, Gpu]] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to ask, where there is whom to ask."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return
        command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
        try:
            self._process = subprocess.Popen(
                [*command, f"--loop={_EVERY_S}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
            )
        except OSError as error:
            log.warning("nvidia-smi does not start", why=str(error))
            return
        threading.Thread(
            target=self._listen, args=(self._process,), name="gpu", daemon=True
        ).start()

    def now(self) -> list[Gpu]:
        """The cards as they were told last; none when there are none or nothing is told."""
        limit_ns = now_ns() - _STALE_NS
        with self._lock:
            return [gpu for _, (at_ns, gpu) in sorted(self._seen.items()) if at_ns >= limit_ns]

    def close(self) -> None:
        """Ask no more."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                process.kill()
            process.wait()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                gpu = parsed(line)
                if gpu is not None:
                    with self._lock:
                        self._seen[gpu.index] = now_ns(), gpu


def parsed(line: str) -> Gpu | None:
    """A card from a line of nvidia-smi; None when it is something else."""
    fields = [field.strip() for field in line.split(",")]
    if len(fields) < 5 or not fields[0].isdecimal():
        return None
    name = ", ".join(fields[1:-3])[:64]
    percent, used, total = (_number(field) for field in fields[-3:])
    return Gpu(int(fields[0]), name, percent, used, total)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
