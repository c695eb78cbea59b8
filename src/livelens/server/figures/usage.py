"""What this process and those that it started use of the machine."""

import os
import resource
import threading
from dataclasses import dataclass
from pathlib import Path

from livelens.clock import NS_PER_S, now_ns

_MIB = 2**20
_SHORTEST_NS = NS_PER_S // 2


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time in seconds since the start, memory in MiB, and how many processes these are."""

    cpu_s: float
    rss_mib: float
    processes: int


def usage(root: Path = Path("/proc")) -> Usage:
    """This process and its children; where the system has no /proc, this process's peak."""
    try:
        own = _of_process(root, os.getpid())
    except (OSError, ValueError, IndexError):
        spent = resource.getrusage(resource.RUSAGE_SELF)
        return Usage(spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024, 1)
    found = [own, *(each for pid in _children(root) if (each := _gone_or(root, pid)) is not None)]
    return Usage(sum(cpu for cpu, _ in found), sum(rss for _, rss in found), len(found))


def _gone_or(root: Path, pid: int) -> tuple[float, float] | None:
    try:
        return _of_process(root, pid)
    except (OSError, ValueError, IndexError):
        return None


def _of_process(root: Path, pid: int) -> tuple[float, float]:
    # The name in parentheses may hold anything, spaces too.
    fields = (root / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int((root / str(pid) / "statm").read_text("ascii").split()[1])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / _MIB


def _children(root: Path) -> list[int]:
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        try:
            files = list((root / str(waiting.pop()) / "task").glob("*/children"))
        except OSError:  # the process has ended meanwhile
            continue
        for file in files:
            try:
                children = [int(pid) for pid in file.read_text("ascii").split()]
            except (OSError, ValueError):
                continue
            found += children
            waiting += children
    return found


class CpuMeter:
    """How many cores are in use, from one look to the next. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen_ns = now_ns()
        self._cpu_s = usage().cpu_s
        self._cores = 0.0

    def cores(self, now: Usage) -> float:
        """Cores in use since the look before; looks that follow closely get the same answer."""
        with self._lock:
            passed_ns = now_ns() - self._seen_ns
            if passed_ns >= _SHORTEST_NS:
                # A child that has ended takes its time with it.
                self._cores = max(0.0, now.cpu_s - self._cpu_s) * NS_PER_S / passed_ns
                self._seen_ns += passed_ns
                self._cpu_s = now.cpu_s
            return self._cores
