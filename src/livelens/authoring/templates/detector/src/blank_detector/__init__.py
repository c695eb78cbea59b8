"""Finds vividly coloured things: a detector to begin with.

A detector is a stage that gives detections. Boxes go in and come out in pixels of the frame;
what other detectors found before is kept.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import cv2
import msgspec
import numpy as np
import supervision as sv
from livelens import Item, StageSpec
from livelens.picture import Pixels
from livelens.stages.detections import joined
from livelens.types import no_detections


class BlankDetector(StageSpec, frozen=True, kw_only=True):
    """Finds vividly coloured things.

    Attributes:
        saturation: how vivid a pixel must be, 0 to 1.
        min_size_px: the shorter side of the smallest thing that counts.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})
    # One instance serves all streams, as a model should; "stream" where you keep state.
    scope: ClassVar[Literal["stream", "shared"]] = "shared"

    saturation: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.6
    min_size_px: Annotated[int, msgspec.Meta(ge=1)] = 24

    def open(self) -> "BlankDetectorWorker":
        # A model is loaded here, or by the worker: not above, where it would cost all others.
        return BlankDetectorWorker(self)


class BlankDetectorWorker:
    """The work. Each worker opens its own, and calls it from one thread."""

    def __init__(self, spec: BlankDetector) -> None:
        self._spec = spec
        self._name = spec.name or "blank-detector"

    def process(self, items: Sequence[Item]) -> list[Item]:
        """One item for each given one, in order."""
        return [
            item.with_(detections=joined(item.detections, self._found(item.frame.image)))
            for item in items
        ]

    def close(self) -> None:
        """Nothing to release."""

    def _found(self, image: Pixels) -> sv.Detections:
        """What is in a (height, width, 3) uint8 BGR picture; do not write into it."""
        vivid = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)[:, :, 1]
        mask = (vivid > self._spec.saturation * 255).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        left, top, width, height, area = stats[1:].T  # the first is all the rest
        big = np.minimum(width, height) >= self._spec.min_size_px
        if not big.any():
            return no_detections()
        boxes = np.stack([left, top, left + width, top + height], axis=1)[big]
        count = len(boxes)
        return sv.Detections(
            xyxy=boxes.astype(np.float32),
            confidence=(area / (width * height))[big].astype(np.float32),
            class_id=np.zeros(count, int),
            data={
                "class_name": np.full(count, "blank_detector"),
                "detector": np.full(count, self._name),
            },
        )
