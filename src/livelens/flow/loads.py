"""How busy each stage of a stream is."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from livelens.clock import now_ns
from livelens.flow.chain import Link


class StageLoad(msgspec.Struct, frozen=True):
    """One stage of one stream.

    Attributes:
        done: frames that it has worked on since the stream began.
        waiting: frames that wait for it, or are held so that it can look ahead.
        waiting_ns: age of the oldest of them, since its capture; 0 when none waits.
        lane: what its workers are.
        workers: how many; those of a shared stage work for all streams that have it.
        batch: most frames in one call.
        shared: whether streams with the same settings share it.
        given_up: too many of its workers hang; frames go on without it.
    """

    done: int
    waiting: int
    waiting_ns: int
    lane: Literal["thread", "process"]
    workers: int
    batch: int
    shared: bool
    given_up: bool


def stage_loads(links: Sequence[Link], done: Mapping[str, int]) -> dict[str, StageLoad]:
    """The loads by the stages' names, in the order of the stages."""
    loads = {}
    for link in links:
        spec = link.spec
        waiting = link.lane.all_waiting(link.port)
        loads[link.port.stage] = StageLoad(
            done=done.get(link.port.stage, 0),
            waiting=len(waiting),
            waiting_ns=now_ns() - waiting[0].frame.captured_ns if waiting else 0,
            lane=spec.lane,
            workers=spec.workers,
            batch=spec.batch,
            shared=spec.scope == "shared",
            given_up=link.lane.given_up,
        )
    return loads
