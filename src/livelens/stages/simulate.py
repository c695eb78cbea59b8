"""A stage that only costs time, for benchmarks and tests of the flow."""

import time
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import supervision as sv

from livelens.spec import StageSpec
from livelens.types import Item, no_detections

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Simulate(StageSpec, frozen=True, kw_only=True):
    """Holds every batch for a while, as a model on an accelerator does.

    It keeps no state, so any number of `workers` may share a stream.

    Attributes:
        cost_ms: how long a call takes, in milliseconds, however many frames are in it.
        boxes: found in every frame: [x_min, y_min, x_max, y_max] in shares of its size.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})

    cost_ms: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    boxes: tuple[tuple[Share, Share, Share, Share], ...] = ()

    def open(self) -> "SimulateStage":
        return SimulateStage(self.cost_ms / 1000, self.boxes)


class SimulateStage:
    """Sleeps for `cost_s` seconds outside the GIL at each call."""

    def __init__(
        self, cost_s: float, boxes: Sequence[tuple[float, float, float, float]] = ()
    ) -> None:
        self._cost_s = cost_s
        self._boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items; those that had no detections now have the boxes, or none found."""
        if self._cost_s > 0:
            time.sleep(self._cost_s)
        return [
            item if item.detections is not None else item.with_(detections=self._found(item))
            for item in items
        ]

    def _found(self, item: Item) -> sv.Detections:
        count = len(self._boxes)
        if count == 0:
            return no_detections()
        return sv.Detections(
            xyxy=self._boxes * np.array(item.frame.size_px * 2, dtype=np.float32),
            confidence=np.ones(count, dtype=np.float32),
            class_id=np.zeros(count, dtype=np.int64),
            data={"class_name": np.array(["object"] * count)},
        )

    def close(self) -> None:
        """Nothing to release."""
