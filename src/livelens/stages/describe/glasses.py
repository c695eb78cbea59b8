"""Whether a face wears glasses or sunglasses.

A small convolutional network looks at the band of the face that holds the eyes, turned level
and brought to one size. It is our own, see docs/models/glasses.md, and ships with Livelens.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.stages.describe.align import MEAN_FACE, chip_matrix, face_points

if TYPE_CHECKING:
    from livelens.models.network import Network

# The band, and where the middle between the eyes lies in it; eyes of a face seen from the
# front are so far apart there.
BAND_PX = (112, 56)
_MIDDLE = (55.5, 25.0)
_EYES_PX = 40.0
# From between the eyes to the mouth it is about as far as from eye to eye. The longer of the
# two tells the size of a face that is turned away or looks down.
_EYES_PER_MOUTH = 0.95


class Glasses(DescriptorSpec, frozen=True, kw_only=True):
    """Tells `glasses`: `none`, `glasses` or `sunglasses`, with the score of each.

    Attributes:
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("glasses",)
    describes: ClassVar[tuple[str, ...]] = ("face",)
    models: ClassVar[tuple[str, ...]] = ("glasses",)

    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "GlassesDescriptor":
        """Load the network and warm it up.

        Raises:
            ModelError: the network cannot be loaded.
        """
        from livelens.models import zoo

        network = zoo.network(
            "glasses",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        return GlassesDescriptor(network)


class GlassesDescriptor:
    """Reads the eye bands of faces.

    Args:
        network: takes bands of `BAND_PX`, gives one logit for each of its labels.
    """

    def __init__(self, network: "Network") -> None:
        self._network = network

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """One reading of `glasses` for every face, in order."""
        if not crops:
            return []
        bands = [crop.warped(band_matrix(crop), *BAND_PX) for crop in crops]
        # A face and its mirror image wear the same; two looks err less than one.
        mirrored = [np.ascontiguousarray(band[:, ::-1]) for band in bands]
        (logits,) = self._network([*bands, *mirrored])
        first, second = logits[: len(bands)], logits[len(bands) :]
        return [{"glasses": self._reading(row)} for row in (first + second) / 2]

    def close(self) -> None:
        """Free the network."""
        self._network.close()

    def _reading(self, logits: NDArray[np.float32]) -> Reading:
        shares = np.exp(logits - logits.max())
        shares = shares / shares.sum()
        labels = self._network.labels
        scores: Mapping[str, float] = dict(zip(labels, map(float, shares), strict=True))
        best = int(shares.argmax())
        return Reading(labels[best], scores[labels[best]], scores)


def band_matrix(crop: Crop) -> NDArray[np.float64]:
    """The map from the frame to the eye band of a face, for `Crop.warped`.

    Without keypoints the eyes are taken to be where they are in an upright face.

    Returns:
        (2, 3), from pixels of the frame to pixels of `BAND_PX`.
    """
    points = face_points(crop)
    if points is None:
        upright = chip_matrix(crop, 100, margin=0.0)
        points = (MEAN_FACE * 100 - upright[:, 2]) @ np.linalg.inv(upright[:, :2]).T
    return band_of(points)


def band_of(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """`band_matrix` of the eyes, the nose and the middle of the mouth, (4, 2) pixels."""
    four = np.asarray(points, np.float64)
    left, right = sorted(four[:2], key=lambda eye: float(eye[0]))
    middle, across = (left + right) / 2, right - left
    size = max(
        float(np.hypot(*across)), _EYES_PER_MOUTH * float(np.hypot(*(four[3] - middle))), 1.0
    )
    turn = -np.arctan2(across[1], across[0])
    scale = _EYES_PX / size
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, np.array(_MIDDLE) - linear @ middle])
