"""A stage that only costs time, for benchmarks and tests of the flow."""

import time
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from livelens.spec import StageSpec
from livelens.types import Item, no_detections


class Simulate(StageSpec, frozen=True, kw_only=True):
    """Holds every batch for a while, as a model on an accelerator does.

    It keeps no state, so any number of `workers` may share a stream.

    Attributes:
        cost_ms: how long a call takes, in milliseconds, however many frames are in it.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})

    cost_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def open(self) -> "SimulateStage":
        return SimulateStage(self.cost_ms / 1000)


class SimulateStage:
    """Sleeps for `cost_s` seconds outside the GIL at each call."""

    def __init__(self, cost_s: float) -> None:
        self._cost_s = cost_s

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items; those that had no detections now have none found."""
        if self._cost_s > 0:
            time.sleep(self._cost_s)
        return [
            item if item.detections is not None else item.with_(detections=no_detections())
            for item in items
        ]

    def close(self) -> None:
        """Nothing to release."""
