"""One server under test: its own process, its own core, its CPU and memory sampled."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from livelens.bench.link import Link
from livelens.bench.report import CannotMeasure
from livelens.bench.stats import slope

try:
    import psutil
except ImportError as error:
    raise CannotMeasure("needs more packages: pip install 'livelens[bench]'") from error

MIB = 2**20


class Hosted:
    """A running server.

    Attributes:
        url: where its HTTP answers.
        log: the file that holds what it printed.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.process = process
        self._root = psutil.Process(process.pid)
        self._memory: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._began_s = 0.0
        self._cpu_s = 0.0
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def measure(self) -> None:
        """Begin the window over which CPU and memory are told."""
        self._began_s = time.monotonic()
        self._cpu_s = self.cpu_s()
        self._memory = [(0.0, self._rss())]
        if not self._sampler.is_alive():
            self._sampler.start()

    def usage(self) -> dict[str, float]:
        """Since `measure`: cores used, memory now, and its growth."""
        took_s = time.monotonic() - self._began_s
        self._memory.append((took_s, self._rss()))
        # The line, not the two ends: a single collection of garbage must not decide.
        grown = slope(self._memory) * took_s
        return {
            "cpu_cores": round((self.cpu_s() - self._cpu_s) / took_s, 4),
            "rss_mib": round(self._memory[-1][1], 1),
            "rss_growth_mib": round(grown, 2),
        }

    def owns(self, pid: int) -> bool:
        """Whether the process is the server or one of its children."""
        return any(process.pid == pid for process in self._family())

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tail(self) -> str:
        """The last lines it printed, for an error message."""
        with suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            return " | ".join(line.strip() for line in lines[-4:] if line.strip())
        return ""

    def close(self) -> None:
        """End it and all its children."""
        self._stop.set()
        with suppress(psutil.NoSuchProcess):
            family = [self._root, *self._root.children(recursive=True)]
            self.process.send_signal(signal.SIGTERM)
            _, alive = psutil.wait_procs(family, timeout=5)
            for process in alive:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.process.wait(5)

    def _sample(self) -> None:
        while not self._stop.wait(1.0):
            with suppress(psutil.NoSuchProcess):
                self._memory.append((time.monotonic() - self._began_s, self._rss()))

    def _family(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu_s(self) -> float:
        """CPU time spent so far, children included, in seconds."""
        total = 0.0
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def _rss(self) -> float:
        total = 0.0
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss / MIB
        return total


@contextmanager
def hosted(
    link: Link,
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    cores: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_s: float = 60.0,
) -> Iterator[Hosted]:
    """Start a server on the link's far side, wait until its port accepts, end it afterwards.

    Raises:
        CannotMeasure: it ended or did not listen in time; the message holds its last lines.
    """
    pinned = _pinned(cores)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*link.prefix, *pinned, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=folder,
        )
    server = Hosted(process, f"http://{link.host}:{port}", log)
    try:
        _wait_for_port(server, link.host, port, timeout_s)
        yield server
    finally:
        server.close()


def _pinned(cores: Sequence[int]) -> list[str]:
    if not cores:
        return []
    if shutil.which("taskset") is None:
        raise CannotMeasure("no `taskset` (Debian package util-linux) to keep the server on a core")
    return ["taskset", "-c", ",".join(str(core) for core in cores)]


def _wait_for_port(server: Hosted, host: str, port: int, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if not server.alive():
            raise CannotMeasure(f"the server ended at once: {server.tail()}")
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.1)
    raise CannotMeasure(f"the server did not listen on {host}:{port} in time: {server.tail()}")


def split_cores() -> tuple[list[int], list[int]]:
    """Cores for the server and for its clients: one, and all others."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return [], []
    return usable[:1], usable[1:]


@contextmanager
def confined(cores: Sequence[int]) -> Iterator[None]:
    """Keep this process and whatever it starts on these cores for a while."""
    before = os.sched_getaffinity(0)
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Load:
    """Who else uses the machine while a server is measured, from now on."""

    def __init__(self, server: Hosted) -> None:
        self._server = server
        self._began_s = time.monotonic()
        self._clients_s = _clients_cpu_s(server)
        self._server_s = server.cpu_s()
        self._all_s = _busy_s()

    def usage(self) -> dict[str, float]:
        """Cores that the clients (browser, viewers) and that all other programs used."""
        took_s = time.monotonic() - self._began_s
        clients_s = _clients_cpu_s(self._server) - self._clients_s
        ours_s = clients_s + self._server.cpu_s() - self._server_s
        others_s = _busy_s() - self._all_s - ours_s
        return {
            "client_cores": round(clients_s / took_s, 3),
            "other_cores": round(max(0.0, others_s / took_s), 3),
        }


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)


def _clients_cpu_s(server: Hosted) -> float:
    """CPU time of this process and all that it started but the server."""
    own = psutil.Process().cpu_times()
    spent_s = own.user + own.system
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if not server.owns(process.pid):
                times = process.cpu_times()
                spent_s += times.user + times.system
    return spent_s
