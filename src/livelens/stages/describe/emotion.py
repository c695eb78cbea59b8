"""Which of seven expressions a face shows. An expression is not what somebody feels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.stages.describe.align import MEAN_FACE, similarity
from livelens.stages.describe.mesh import FaceMesh, Fit

if TYPE_CHECKING:
    from livelens.models.network import Network

_MARGIN = 0.2


class Emotion(DescriptorSpec, frozen=True, kw_only=True):
    """Tells `emotion`: angry, disgust, fear, happy, sad, surprise or neutral, each with a score.

    Attributes:
        runtime: what runs the models, `auto` chooses.
        device: where they run.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("emotion",)
    describes: ClassVar[tuple[str, ...]] = ("face",)
    models: ClassVar[tuple[str, ...]] = ("emotion", "face-mesh")

    refresh_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.3
    window_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "EmotionDescriptor":
        """Load the networks and warm them up.

        Raises:
            ModelError: a network cannot be had or loaded.
        """
        from livelens.models import zoo

        mesh, network = (
            zoo.network(
                name,
                runtime=self.runtime,
                device=self.device,
                threads=self.threads,
                precision=self.precision,
            )
            for name in ("face-mesh", "emotion")
        )
        mesh.warm_up()
        network.warm_up()
        return EmotionDescriptor(FaceMesh(mesh), network)


class EmotionDescriptor:
    """Reads expressions.

    Args:
        mesh: tells where eyes and mouth are; closed with the descriptor.
        network: gives a probability for each of its labels; closed with the descriptor.
    """

    def __init__(self, mesh: FaceMesh, network: "Network") -> None:
        self._mesh = mesh
        self._network = network

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """One expression for every face, in order; nothing where no face can be seen."""
        fits = self._mesh(crops)
        seen = [(crop, fit) for crop, fit in zip(crops, fits, strict=True) if fit is not None]
        if not seen:
            return [{} for _ in crops]
        size = self._network.input_size_px[0]
        (shares,) = self._network([_chip(crop, fit, size) for crop, fit in seen])
        readings = iter([self._reading(row) for row in shares])
        return [{} if fit is None else {"emotion": next(readings)} for fit in fits]

    def close(self) -> None:
        """Free the networks."""
        self._mesh.close()
        self._network.close()

    def _reading(self, shares: NDArray[np.float32]) -> Reading:
        labels = self._network.labels
        whole = float(shares.sum())
        scores = {label: float(share) / whole for label, share in zip(labels, shares, strict=True)}
        best = max(labels, key=scores.__getitem__)
        return Reading(best, scores[best], scores)


def _chip(crop: Crop, fit: Fit, size: int) -> NDArray[np.uint8]:
    target = (MEAN_FACE + _MARGIN) * size / (1 + 2 * _MARGIN)
    return crop.warped(similarity(fit.four, target), size, size)
