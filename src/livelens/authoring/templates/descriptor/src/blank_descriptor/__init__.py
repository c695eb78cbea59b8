"""Tells of each person whether he wears light or dark: a descriptor to begin with.

Livelens chooses which objects are due, cuts them out, calls `describe`, smooths what comes
back over `window_s`, and joins it to the object's results. Say what you see on one picture.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
from livelens import Crop, DescriptorSpec, Reading
from livelens.descriptor import Description


class BlankDescriptor(DescriptorSpec, frozen=True, kw_only=True):
    """Tells light from dark.

    Attributes:
        threshold: mean brightness, 0 to 1, from which on an object is called light.
    """

    # What it can tell, and of which classes.
    measures: ClassVar[tuple[str, ...]] = ("blank_descriptor",)
    describes: ClassVar[tuple[str, ...]] = ("person",)

    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.4

    def open(self) -> "BlankDescriptorWorker":
        # A model is loaded here, or by the worker: not above, where it would cost all others.
        return BlankDescriptorWorker(self.threshold)


class BlankDescriptorWorker:
    """The work. Each worker opens its own, and calls it from one thread."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """One description for each crop, in order; {} where nothing can be told."""
        return [self._of(crop) for crop in crops]

    def close(self) -> None:
        """Nothing to release."""

    def _of(self, crop: Crop) -> Description:
        pixels = crop.image()  # (h, w, 3) uint8 RGB; crop.resized(w, h) suits a model
        brightness = float(pixels.mean()) / 255
        value = "light" if brightness >= self._threshold else "dark"
        # The score weighs this picture against others of the same object: 0 at the threshold.
        score = min(1.0, abs(brightness - self._threshold) / 0.2)
        return {"blank_descriptor": Reading(value, score)}
