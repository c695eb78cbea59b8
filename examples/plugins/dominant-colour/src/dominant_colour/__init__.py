"""Tells the colour that covers most of an object, in pure NumPy.

Every pixel votes for the colour name that is nearest to it; those in the middle of the box,
where the object is rather than what is behind it, count more.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from livelens import Crop, DescriptorSpec, Reading
from livelens.descriptor import Description
from numpy.typing import NDArray

# Several shades of a name, because what cameras see is duller than what is painted.
SHADES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((15, 15, 15), (35, 33, 35)),
    "grey": ((65, 63, 62), (95, 95, 95), (150, 150, 150)),
    "white": ((235, 235, 235),),
    "red": ((200, 30, 35), (130, 35, 40)),
    "orange": ((235, 130, 40),),
    "yellow": ((235, 210, 60), (190, 170, 70)),
    "green": ((50, 150, 60), (35, 85, 40)),
    "blue": ((40, 90, 190), (40, 55, 100), (130, 170, 215)),
    "purple": ((120, 60, 150),),
    "pink": ((230, 150, 175),),
    "brown": ((115, 75, 45), (75, 52, 38), (170, 135, 110)),
}
NAMES = tuple(name for name, shades in SHADES.items() for _ in shades)
COLOURS = np.array([shade for shades in SHADES.values() for shade in shades], np.float32)


class DominantColour(DescriptorSpec, frozen=True, kw_only=True):
    """Tells the colour that covers most of an object.

    Attributes:
        samples_px: the object is looked at in a picture of this width and height.
        centre: how much less a pixel at the edge counts than one in the middle, 0 to 1.
    """

    measures: ClassVar[tuple[str, ...]] = ("colour",)
    describes: ClassVar[tuple[str, ...]] = ("car", "truck", "bus", "motorcycle", "bicycle")

    samples_px: Annotated[int, msgspec.Meta(ge=4, le=256)] = 32
    centre: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.9

    def open(self) -> "DominantColourWorker":
        return DominantColourWorker(self)


class DominantColourWorker:
    """Votes for colours."""

    def __init__(self, spec: DominantColour) -> None:
        self._side = spec.samples_px
        from_middle = np.abs(np.linspace(-1, 1, self._side, dtype=np.float32))
        far = np.maximum(from_middle[:, None], from_middle[None, :])
        weights = 1 - spec.centre * far
        self._weights: NDArray[np.float32] = (weights / weights.sum()).reshape(-1)

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """The colour of each object, with the share of every other."""
        return [self._of(crop) for crop in crops]

    def close(self) -> None:
        """Nothing to release."""

    def _of(self, crop: Crop) -> Description:
        pixels = crop.resized(self._side, self._side).reshape(-1, 1, 3).astype(np.float32)
        nearest = ((pixels - COLOURS) ** 2).sum(axis=2).argmin(axis=1)
        votes = np.bincount(nearest, self._weights, len(NAMES))
        shares = dict.fromkeys(SHADES, 0.0)
        for name, share in zip(NAMES, votes, strict=True):
            shares[name] += float(share)
        best = max(shares, key=lambda name: shares[name])
        return {"colour": Reading(best, shares[best], shares)}
