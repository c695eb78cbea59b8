"""Tells how sharp an object is, with an ONNX model of its own.

The package brings the model (`sharpness.onnx`, written by `make_model.py`) and its card: the
zoo then knows it by name, and every runtime and device that Livelens has runs it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from livelens import Crop, DescriptorSpec, Reading
from livelens.descriptor import Description
from livelens.models import zoo
from livelens.models.manifest import ModelCard, Preprocess
from livelens.models.network import Network
from livelens.models.runner import RuntimeName

SIDE_PX = 96

CARD = ModelCard(
    name="sharpness",
    description="How much of a picture are fine edges; 96×96",
    task="network",
    input=Preprocess(width_px=SIDE_PX, height_px=SIDE_PX, std=(255.0, 255.0, 255.0)),
    licence="Apache-2.0",
    file=str(Path(__file__).with_name("sharpness.onnx")),
    precision="f32",  # differences of neighbours drown in the three digits of bfloat16
)


class Sharpness(DescriptorSpec, frozen=True, kw_only=True):
    """Tells how sharp an object is.

    Attributes:
        blurred: an object with less is called blurred.
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
    """

    measures: ClassVar[tuple[str, ...]] = ("sharpness", "blurred")

    blurred: float = 0.03
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: int = 0

    def open(self) -> "SharpnessWorker":
        network = zoo.network(
            CARD.name, runtime=self.runtime, device=self.device, threads=self.threads
        )
        return SharpnessWorker(network, self.blurred)


class SharpnessWorker:
    """Runs the model on all objects at once."""

    def __init__(self, network: Network, blurred: float) -> None:
        self._network = network
        self._blurred = blurred
        network.warm_up()

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """The sharpness of each object: mean contrast of its fine edges, 0 to about 0.3."""
        if not crops:
            return []
        pictures = [crop.resized(SIDE_PX, SIDE_PX, square=True) for crop in crops]
        (edges,) = self._network(pictures)
        return [self._told(float(energy)) for energy in np.sqrt(edges.reshape(-1))]

    def close(self) -> None:
        """Free the model."""
        self._network.close()

    def _told(self, sharpness: float) -> Description:
        sure = min(1.0, abs(sharpness - self._blurred) / self._blurred)
        return {
            "sharpness": Reading(sharpness),
            "blurred": Reading(sharpness < self._blurred, sure),
        }
