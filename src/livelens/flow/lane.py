"""Workers of one stage. This file and `ends.py` own every thread of the flow.

A lane has a *port* for each stream that passes through it. A live port holds one
waiting frame, the newest; a lossless port makes its writer wait. Workers take from
the ports in turn, so that a fast camera cannot starve the rest, and results leave
each port in the order of its frames, however many workers there are.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from livelens.clock import NS_PER_S, nanoseconds, now_ns
from livelens.errors import LivelensError, StageError, one_line
from livelens.flow.contract import check_results
from livelens.flow.opening import open_stage
from livelens.flow.port import Port
from livelens.flow.process.child import ProcessDied
from livelens.flow.process.stage import ProcessStage
from livelens.flow.reconnect import Backoff
from livelens.spec import Renewable, Stage, StageSpec
from livelens.types import Item, Timing

_ERRORS_BEFORE_REOPEN = 3
_STUCK_WORKERS_ALLOWED = 3
_BACKOFF = Backoff(first_s=0.1, longest_s=5.0)
# What a process has left to come to an end when its lane is closed.
_LAST_CALL_S = 1.0


@dataclass(eq=False)
class _Job:
    """An item in a worker's hands."""

    port: Port
    ticket: int
    item: Item


@dataclass(eq=False)
class _Worker:
    """A thread, its process if the lane is one of processes, what it works on since when."""

    thread: threading.Thread | None = None
    process: ProcessStage | None = None
    jobs: list[_Job] = field(default_factory=list)
    since_ns: int = 0
    given_up: bool = False


class Lane:
    """The workers of one stage, for one stream or, for a shared stage, for many.

    Args:
        spec: the stage.
        name: for threads and problems.

    Attributes:
        failure: why the stage cannot be opened, or is given up.
        given_up: too many workers hang; live frames go on untouched from now on.
        ready: set when all workers have opened the stage, or it failed.
    """

    def __init__(self, spec: StageSpec, name: str) -> None:
        self.spec = spec
        self.name = name
        self.failure: LivelensError | None = None
        self.ready = threading.Event()
        self._ports: list[Port] = []
        self._turn = 0
        self._changed = threading.Condition()
        self._closed = False
        self._workers: list[_Worker] = []
        self.given_up = False
        self._opened = 0
        self._stuck = 0
        self._renewed = False
        with self._changed:
            for _ in range(max(1, spec.workers)):
                self._start_worker()

    # --- the writers' side

    def attach(self, port: Port) -> None:
        """Let a stream through."""
        with self._changed:
            port.ahead.span_ns = nanoseconds(self.spec.lookahead_s)
            self._ports.append(port)
        if self.failure is not None:
            port.problem(str(self.failure), True)

    def put(self, port: Port, item: Item) -> None:
        """Hand an item over. Waits only on a lossless port. Never loses one uncounted."""
        pushed_out: list[Item] = []
        passed: tuple[int, Item] | None = None
        with self._changed:
            if port.lossless:
                self._changed.wait_for(
                    lambda: port.closed or self._closed or len(port.waiting) < port.capacity
                )
            refused = port.closed or self._closed or port.finishing
            if self.given_up and not refused:
                passed = (port.ticket(item), item)
            elif not refused:
                port.crowded &= not port.idle
                if len(port.waiting) >= port.capacity and self.spec.passes_over:
                    older = port.waiting.popleft()
                    passed = (port.ticket(older), self.spec.passed_over(older))
                elif len(port.waiting) >= port.capacity:
                    pushed_out = port.crowd_out()
                port.waiting.extend(port.ahead.add(item, now_ns()))
                self._changed.notify_all()
        if refused:
            port.drop(item, "stopped")
        if passed is not None:
            port.release(*passed)
        for older in pushed_out:
            port.drop(older, "overrun")

    def renew(self, spec: StageSpec) -> None:
        """Let the open stage go on with other settings, from the next frame on."""
        with self._changed:
            self.spec = spec
            self._renewed = True
            for port in self._ports:
                port.ahead.span_ns = nanoseconds(spec.lookahead_s)
                port.waiting.extend(port.ahead.ripe(now_ns()))
            self._changed.notify_all()

    def finish(self, port: Port) -> None:
        """No more items will come; `port.finished` follows when the last one is out."""
        with self._changed:
            port.finishing = True
            port.waiting.extend(port.ahead.all(now_ns()))
            self._changed.notify_all()
        self._settle(port)

    def detach(self, port: Port, reason: str) -> None:
        """Close a stream's way at once; what waits is dropped, what is in work is too."""
        with self._changed:
            port.closed = True
            left = port.clear()
            if port in self._ports:
                self._ports.remove(port)
            port.deliver = lambda item: port.drop(item, reason)
            self._changed.notify_all()
        for item in left:
            port.drop(item, reason)

    def close(self, timeout_s: float) -> None:
        """End all workers; one that hangs in foreign code is left behind after the timeout.

        A process is not: it has a second more, to open or to answer, and is killed then.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            workers = list(self._workers)
        deadline_ns = now_ns() + nanoseconds(timeout_s)
        for worker in workers:
            if worker.thread is not None and worker.thread is not threading.current_thread():
                worker.thread.join(max(0.0, (deadline_ns - now_ns()) / NS_PER_S))
        for worker in workers:
            alive = worker.thread is not None and worker.thread.is_alive()
            if alive and worker.process is not None:
                worker.process.kill_after(_LAST_CALL_S)

    def give_up_stuck(self) -> None:
        """Replace workers whose call has exceeded the stage's time. Called by the watch."""
        limit_ns = nanoseconds(self.spec.timeout_s)
        lost: list[_Job] = []
        hanging: list[ProcessStage] = []
        with self._changed:
            for worker in list(self._workers):
                if worker.jobs and now_ns() - worker.since_ns > limit_ns:
                    worker.given_up = True
                    lost += worker.jobs
                    worker.jobs = []
                    hanging += [worker.process] if worker.process is not None else []
                    self._workers.remove(worker)
                    self._stuck += worker.process is None
                    if self._stuck < _STUCK_WORKERS_ALLOWED:
                        self._start_worker()
        for process in hanging:
            process.kill()  # whereupon its thread comes back
        for job in lost:
            job.port.release(job.ticket, "timeout")
            self._settle(job.port)
            job.port.problem(f"no answer within {self.spec.timeout_s:g} s; worker replaced", False)
        if lost and self._stuck >= _STUCK_WORKERS_ALLOWED:
            self._give_up()

    def all_waiting(self, port: Port) -> list[Item]:
        """Frames that wait on a port, or are held there so that the stage can look ahead."""
        with self._changed:
            return port.all_waiting

    # --- the workers' side

    def _start_worker(self) -> None:
        worker = _Worker()
        worker.thread = threading.Thread(
            target=self._work, args=(worker,), name=f"stage:{self.name}", daemon=True
        )
        self._workers.append(worker)
        worker.thread.start()

    def _work(self, worker: _Worker) -> None:
        stage = self._open(worker)
        if stage is None:
            return
        errors = 0
        while not worker.given_up and self._take(worker):
            if self._process(stage, worker):
                errors = 0
                continue
            errors += 1
            if worker.given_up:
                break
            if errors % _ERRORS_BEFORE_REOPEN == 0 or _has_died(stage):
                _close_quietly(stage)
                failures = errors if _has_died(stage) else errors // _ERRORS_BEFORE_REOPEN
                reopened = self._reopen(worker, failures)
                if reopened is None:
                    return
                stage = reopened
        _close_quietly(stage)
        if worker.given_up and worker.process is None:
            with self._changed:  # it came back after all, and holds nothing any more
                self._stuck -= 1

    def _reopen(self, worker: _Worker, failures: int) -> Stage | None:
        """Open it anew, after a pause that grows; None when that cannot be or need not be."""
        while not self._pause(_BACKOFF.delay_s(failures)):
            try:
                return self._open(worker, again=True)
            except ProcessDied as died:
                failures += 1
                with self._changed:
                    ports = list(self._ports)
                for port in ports:
                    port.problem(f"{died}; trying again", False)
        return None

    def _open(self, worker: _Worker, *, again: bool = False) -> Stage | None:
        def began(process: ProcessStage) -> None:
            with self._changed:
                worker.process = process
            if self._closed:
                process.kill()

        try:
            stage = open_stage(self.spec, began=began)
        except LivelensError as error:
            if again and isinstance(error, ProcessDied):
                raise
            self._fail(error)
            return None
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            self._fail(StageError(f"cannot be opened: {one_line(error)}"))
            return None
        with self._changed:
            self._opened += 1
            if self._opened >= max(1, self.spec.workers):
                self.ready.set()
            anew = list(self._ports) if self._opened > max(1, self.spec.workers) else []
        for port in anew:
            port.renewed()
        return stage

    def _pause(self, delay_s: float) -> bool:
        """Wait; True when the lane closed meanwhile."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, delay_s)

    def _take(self, worker: _Worker) -> bool:
        """Put the next batch into the worker's hands; False when the lane is closed."""
        while True:
            late: list[tuple[Port, Item]] = []
            with self._changed:
                while not self._closed and not any(port.waiting for port in self._ports):
                    self._changed.wait(self._until_due_s())
                    self._free_due()
                if self._closed:
                    return False
                worker.jobs = self._next_batch(late)
                worker.since_ns = now_ns()
                self._changed.notify_all()  # writers of lossless ports
            for port, item in late:
                port.drop(item, "late")
                self._settle(port)
            if worker.jobs:
                return True

    def _until_due_s(self) -> float | None:
        """How soon a held frame must go on, whatever follows it; None while none is held."""
        due = [port.ahead.due_ns for port in self._ports if not port.lossless]
        soonest = min((each for each in due if each is not None), default=None)
        return None if soonest is None else max(0.0, (soonest - now_ns()) / NS_PER_S)

    def _free_due(self) -> None:
        for port in self._ports:
            if not port.lossless and port.ahead:
                port.waiting.extend(port.ahead.ripe(now_ns()))

    def _next_batch(self, late: list[tuple[Port, Item]]) -> list[_Job]:
        """Up to `batch` items: one from each port in turn, then round again."""
        jobs: list[_Job] = []
        limit = max(1, self.spec.batch)
        found = True
        now = now_ns()
        while found and len(jobs) < limit:
            found = False
            for _ in range(len(self._ports)):
                if len(jobs) >= limit:
                    break  # the next batch begins with the next port, not with the first
                self._turn = (self._turn + 1) % len(self._ports)
                port = self._ports[self._turn]
                if not port.waiting:
                    continue
                found = True
                item = port.take()
                if _too_old(item, port, now):
                    late.append((port, item))
                else:
                    jobs.append(_Job(port, port.ticket(item), item))
        return jobs

    def _process(self, stage: Stage, worker: _Worker) -> bool:
        """Work on the worker's batch and send the results on; False when all of it failed."""
        jobs = list(worker.jobs)
        outcomes = self._attempt(stage, jobs)
        if len(jobs) > 1 and isinstance(outcomes[0], BaseException) and not _has_died(stage):
            # One stream's frame must not cost the other streams theirs.
            outcomes = []
            for job in jobs:
                worker.since_ns = now_ns()
                if worker.given_up:
                    return False
                outcomes += self._attempt(stage, [job])
        with self._changed:
            if worker.given_up:
                return False
            worker.jobs = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Item):
                job.port.release(job.ticket, outcome)
            else:
                job.port.release(job.ticket, "died" if _has_died(stage) else "error")
                job.port.problem(one_line(outcome), False)
            self._settle(job.port)
        return any(isinstance(outcome, Item) for outcome in outcomes)

    def _attempt(self, stage: Stage, jobs: Sequence[_Job]) -> Sequence[Item | BaseException]:
        items = [job.item for job in jobs]
        began_ns = now_ns()
        try:
            if self._renewed and isinstance(stage, Renewable):
                self._renewed = False
                stage.renew(self.spec)
            results = stage.process(items)
            check_results(items, results)
        except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
            return [error] * len(jobs)
        ended_ns = now_ns()
        took_s = (ended_ns - began_ns) / NS_PER_S
        for job in jobs:
            job.port.observe(took_s)
        return [
            result.with_(
                timings=(*result.timings, Timing(job.port.stage, began_ns, ended_ns)), ahead=()
            )
            for job, result in zip(jobs, results, strict=True)
        ]

    def _settle(self, port: Port) -> None:
        """Pass the end on, once, when a finishing port has nothing left."""
        with self._changed:
            if port.closed or not port.finishing or not port.idle:
                return
            port.closed = True
            if port in self._ports:
                self._ports.remove(port)
        port.finished()

    def _give_up(self) -> None:
        """Let live streams go on without the stage; where none may be lost, that is the end."""
        message = f"{self._stuck} workers hang; the stage is given up"
        with self._changed:
            self.given_up = True
            ports = list(self._ports)
            passed = []
            for port in ports:
                passed += [(port, port.ticket(item), item) for item in port.clear()]
            self._changed.notify_all()
        for port, ticket, item in passed:
            port.release(ticket, item)
            self._settle(port)
        for port in ports:
            port.problem(message, port.lossless)

    def _fail(self, error: LivelensError) -> None:
        self.failure = error
        with self._changed:
            ports = list(self._ports)
        self.ready.set()
        for port in ports:
            port.problem(str(error), True)


def _too_old(item: Item, port: Port, now: int) -> bool:
    if port.lossless or port.max_delay_s is None:
        return False
    return now - item.frame.captured_ns - item.held_ns > nanoseconds(port.max_delay_s)


def _has_died(stage: Stage) -> bool:
    return isinstance(stage, ProcessStage) and stage.dead


def _close_quietly(stage: Stage) -> None:
    try:
        stage.close()
    except Exception:  # noqa: BLE001 - the stage is being thrown away
        return
