"""Counts the objects of each class: a stage to begin with.

A stage takes items and returns changed copies. An item is one frame and all that is known
about it: `frame`, `detections`, `attributes`, `landmarks`, and `extra` for anything else.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
from livelens import Item, StageSpec


class BlankStage(StageSpec, frozen=True, kw_only=True):
    """Counts the objects of each class on each frame.

    Attributes:
        confidence: objects of which the detector is less sure do not count.
    """

    # A pipeline without a detector before this stage is refused before anything is opened.
    needs: ClassVar[frozenset[str]] = frozenset({"detections"})

    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5

    def open(self) -> "BlankStageWorker":
        # A model is loaded here, or by the worker: not above, where it would cost all others.
        return BlankStageWorker(self.confidence)


class BlankStageWorker:
    """The work. Each stream opens its own, and calls it from one thread, frame by frame."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence

    def process(self, items: Sequence[Item]) -> list[Item]:
        """One item for each given one, in order. Never write into the given ones."""
        return [self._counted(item) for item in items]

    def close(self) -> None:
        """Nothing to release."""

    def _counted(self, item: Item) -> Item:
        counts = {"blank_stage": self._of(item)}
        return item.with_(extra={**item.extra, **counts})

    def _of(self, item: Item) -> dict[str, int]:
        found = item.detections
        if found is None or found.confidence is None or not len(found):
            return {}
        names = found.data["class_name"][found.confidence >= self._confidence]
        return dict(Counter(str(name) for name in names))
