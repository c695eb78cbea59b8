"""`livelens run` on a terminal: a progress bar while a pipeline works, and a summary."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import Closed, Interrupted, LivelensError
from livelens.events import Problem
from livelens.flow.bus import Subscription
from livelens.flow.engine import Engine
from livelens.flow.figures import PipelineStats
from livelens.spec import PipelineSpec

_REFRESH_S = 0.2
# The stream's name in results and in the names of files.
STREAM = "run"


def follow(spec: PipelineSpec, *, quiet: bool = False, task: str | None = None) -> None:
    """Run a pipeline to its end, or until Ctrl-C for a live source.

    Args:
        spec: the pipeline.
        quiet: no progress bar and no summary.
        task: what is being done, where it is not all that is done.

    Raises:
        Interrupted: Ctrl-C, on a file.
        LivelensError: the pipeline failed; what was written until then stays.
    """
    console = Console(stderr=True, quiet=quiet)
    total = None if spec.source.live else _frame_count(spec)
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    began_ns = now_ns()
    try:
        with Engine() as engine:
            messages = engine.bus.subscribe(STREAM, results=False)
            pipeline = engine.add(STREAM, spec)
            with _bar(console) as bar:
                words = f"{spec.source.label}: {task}" if task else spec.source.label
                row = bar.add_task(words, total=total, rate="")
                while pipeline.state not in ("ended", "failed", "stopped") and not stopped:
                    pipeline.wait(_REFRESH_S)
                    if pipeline.live:  # what fails for good is said once, at the end
                        _tell_problems(messages, console)
                    stats = pipeline.stats()
                    done = stats.captured - stats.in_flight
                    bar.update(row, completed=done, rate=f"{stats.fps:.1f} fps")
            if stopped:
                pipeline.stop(timeout_s=10.0)
            messages.close()
            stats = pipeline.stats()
            _summary(console, stats, (now_ns() - began_ns) / NS_PER_S, task)
            if pipeline.state == "failed":
                raise LivelensError(pipeline.detail)
            if stopped and not pipeline.live:
                raise Interrupted(f"stopped after {stats.delivered} frames")
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def work(words: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how far a piece of work has come; what it gives is called with each further part."""
    with _bar(Console(stderr=True, quiet=quiet)) as bar:
        row = bar.add_task(words, total=total, rate="")
        yield lambda done: bar.update(row, advance=done)


def _tell_problems(messages: Subscription, console: Console) -> None:
    """Say what went wrong since the last time, above the bar."""
    with suppress(TimeoutError, Closed):
        while True:
            message = messages.get(0)
            if isinstance(message, Problem):
                text = f"livelens: {message.where}: {message.message}"
                # Quiet is no bar and no summary; what goes wrong is said all the same.
                if console.quiet:
                    print(text, file=sys.stderr, flush=True)
                else:
                    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        disable=console.quiet or not sys.stderr.isatty(),
    )


def _frame_count(spec: PipelineSpec) -> int | None:
    """How many frames the source has, where it can tell.

    Raises:
        SourceError: it cannot be opened, which is better said before all is set up.
    """
    describe = getattr(spec.source, "describe", None)
    frames = describe().frames if callable(describe) else None
    return frames if isinstance(frames, int) else None


def _summary(console: Console, stats: PipelineStats, took_s: float, task: str | None) -> None:
    rate = stats.delivered / took_s if took_s else 0.0
    words = f"{task}: " if task else ""
    console.print(
        f"{words}{stats.delivered} frames in {took_s:.1f} s ({rate:.1f} fps)", highlight=False
    )
    for where, count in sorted(stats.dropped.items()):
        console.print(f"  dropped {count} ({where})", highlight=False)
    for name, count in stats.sink_dropped.items():
        if count:
            console.print(f"  {name} was too slow for {count} frames", highlight=False)
