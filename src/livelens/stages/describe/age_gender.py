"""Age and gender of faces, as a network guesses them from the looks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.picture import Pixels
from livelens.stages.describe.align import MEAN_FACE, similarity
from livelens.stages.describe.mesh import FaceMesh, Fit
from livelens.types import Attribute

if TYPE_CHECKING:
    from livelens.models.network import Network

# A face is looked at this many ways at most: three sizes, each as it is and mirrored. The
# networks were trained at a margin of 0.2; the mean over nearby ones errs less than any of them.
_MARGINS = (0.2, 0.12, 0.28)
_MOST_VIEWS = 2 * len(_MARGINS)

# The age that each class of the network stands for: under one year, then a class for each year.
_AGES = np.array([0.25, *range(1, 81)], np.float32)
# How many years off still count as right in the score of an age.
_NEAR_YEARS = 7.5
_BIN_YEARS = 5

# The networks were trained on pictures that dlib shrinks by picking pixels, which keeps them
# sharper than the mean of pixels that `Crop.warped` takes: this undoes most of the difference.
_SHARPEN = 1.0


class AgeGender(DescriptorSpec, frozen=True, kw_only=True):
    """Tells `age` in years, `age_range`, five years that it lies in, and `gender`.

    Attributes:
        views: how many ways each face is looked at; the mean is told. Fewer are faster.
        runtime: what runs the models, `auto` chooses.
        device: where they run.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("age", "age_range", "gender")
    describes: ClassVar[tuple[str, ...]] = ("face",)
    models: ClassVar[tuple[str, ...]] = ("age-dlib", "gender-dlib", "face-mesh")

    window_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    views: Annotated[int, msgspec.Meta(ge=1, le=_MOST_VIEWS)] = _MOST_VIEWS
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "AgeGenderDescriptor":
        """Load the networks and warm them up.

        Raises:
            ModelError: a network cannot be had or loaded.
        """
        from livelens.models import zoo

        mesh, age, gender = (
            zoo.network(
                name,
                runtime=self.runtime,
                device=self.device,
                threads=self.threads,
                precision=self.precision,
            )
            for name in ("face-mesh", "age-dlib", "gender-dlib")
        )
        for network in (mesh, age, gender):
            network.warm_up()
        return AgeGenderDescriptor(FaceMesh(mesh), age, gender, self.views)

    def concluded(self, attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        """The attributes with `age_range` of the smoothed age."""
        age = attributes.get("age")
        if age is None or not isinstance(age.value, int | float):
            return attributes
        return {**attributes, "age_range": replace(age, value=age_range(float(age.value)))}


class AgeGenderDescriptor:
    """Guesses ages and genders.

    Args:
        mesh: tells where eyes, nose and mouth are; closed with the descriptor.
        age: gives a probability for each class of age; closed with the descriptor.
        gender: gives a probability for each of its labels; closed with the descriptor.
        views: how many ways each face is looked at.
    """

    def __init__(
        self, mesh: FaceMesh, age: "Network", gender: "Network", views: int = _MOST_VIEWS
    ) -> None:
        self._mesh = mesh
        self._age = age
        self._gender = gender
        # As it is and mirrored at one margin, then at the next.
        self._views = [(margin, mirror) for margin in _MARGINS for mirror in (False, True)][:views]

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """`age` and `gender` of every face, in order; nothing where no face can be seen."""
        fits = self._mesh(crops)
        return [
            {} if fit is None else self._description(crop, fit)
            for crop, fit in zip(crops, fits, strict=True)
        ]

    def close(self) -> None:
        """Free the networks."""
        for part in (self._mesh, self._age, self._gender):
            part.close()

    def _description(self, crop: Crop, fit: Fit) -> Description:
        ages = self._shares(self._age, crop, fit)
        years = float(ages @ _AGES)
        near = float(ages[np.abs(_AGES - years) <= _NEAR_YEARS].sum())
        genders = self._shares(self._gender, crop, fit)
        scores = {
            label: float(share) for label, share in zip(self._gender.labels, genders, strict=True)
        }
        best = max(scores, key=scores.__getitem__)
        return {
            "age": Reading(years, min(1.0, near * fit.score)),
            "gender": Reading(best, scores[best], scores),
        }

    def _shares(self, network: "Network", crop: Crop, fit: Fit) -> NDArray[np.float32]:
        """Probabilities of the network's classes, the mean over all views; they sum to 1."""
        size = network.input_size_px[0]
        chips = {margin: _chip(crop, fit, size, margin) for margin, _ in self._views}
        pictures = [
            np.ascontiguousarray(chips[margin][:, ::-1]) if mirror else chips[margin]
            for margin, mirror in self._views
        ]
        (shares,) = network(pictures)
        mean: NDArray[np.float32] = shares.mean(axis=0)
        mean /= mean.sum()
        return mean


def age_range(years: float) -> str:
    """The five years that an age lies in: "30-34"."""
    low = int(years // _BIN_YEARS) * _BIN_YEARS
    return f"{low}-{low + _BIN_YEARS - 1}"


def _chip(crop: Crop, fit: Fit, size: int, margin: float) -> Pixels:
    target = (MEAN_FACE + margin) * size / (1 + 2 * margin)
    chip = crop.warped(similarity(fit.four, target), size, size)
    blurred = cv2.GaussianBlur(chip, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(chip, 1 + _SHARPEN, blurred, -_SHARPEN, 0), np.uint8)
