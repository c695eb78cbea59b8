"""468 points on each face, for what needs to know better where a face is than its detector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.stages.describe.align import MEAN_FACE, chip_matrix, similarity

if TYPE_CHECKING:
    from livelens.models.network import Network

# How the network was shown faces: its own square is about half of what it sees.
_MARGIN = 0.4
# Below this the network says that it sees no face.
LEAST_SCORE = 0.5

# Corners of the eye on the picture's left and on its right, tip of the nose, inside of the lips.
_RIGHT_EYE, _LEFT_EYE, _NOSE, _LIPS = [33, 133], [263, 362], 4, [13, 14]

# A first look that was turned or sized worse than this is worth a second one.
_GOOD_TURN_RAD = 0.2
_GOOD_SIZE = 1.2


@dataclass(frozen=True, slots=True)
class Fit:
    """The mesh of one face.

    Attributes:
        points: (468, 3); x and y in pixels of the frame, z in the same scale, growing away
            from the camera.
        score: that it is a face, 0..1.
    """

    points: NDArray[np.float64]
    score: float

    @property
    def four(self) -> NDArray[np.float64]:
        """Eyes, nose and the middle of the mouth, (4, 2) px, as `align.face_points` gives."""
        flat = self.points[:, :2]
        middles = [flat[_RIGHT_EYE].mean(axis=0), flat[_LEFT_EYE].mean(axis=0)]
        return np.array([*middles, flat[_NOSE], flat[_LIPS].mean(axis=0)])


class FaceMesh:
    """Fits meshes.

    Args:
        network: the zoo's ``face-mesh``.
    """

    def __init__(self, network: "Network") -> None:
        self._network = network

    def __call__(self, crops: Sequence[Crop]) -> list[Fit | None]:
        """One fit for each face, in order; None where the network sees no face."""
        return [self._fit(crop) for crop in crops]

    def close(self) -> None:
        """Frees the network."""
        self._network.close()

    def _fit(self, crop: Crop) -> Fit | None:
        size = self._network.input_size_px[0]
        matrix = chip_matrix(crop, size, margin=_MARGIN)
        fit = self._look(crop, matrix, size)
        if fit.score < LEAST_SCORE:
            return None
        better = similarity(fit.four, (MEAN_FACE + _MARGIN) * size / (1 + 2 * _MARGIN))
        if not _alike(matrix, better):
            second = self._look(crop, better, size)
            fit = second if second.score >= LEAST_SCORE else fit
        return fit

    def _look(self, crop: Crop, matrix: NDArray[np.float64], size: int) -> Fit:
        mesh, logit = self._network([crop.warped(matrix, size, size)])[:2]
        seen = mesh.reshape(-1, 3).astype(np.float64)
        linear = np.linalg.inv(matrix[:, :2])
        flat = (seen[:, :2] - matrix[:, 2]) @ linear.T
        depth = seen[:, 2] * np.sqrt(np.linalg.det(linear))
        score = 1 / (1 + np.exp(-np.clip(float(logit.reshape(-1)[0]), -60, 60)))
        return Fit(np.column_stack([flat, depth]), score)


def _alike(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    one, two = (complex(each[0, 0], each[1, 0]) for each in (first, second))
    ratio = complex(two / one)
    turned = abs(float(np.angle(ratio)))
    return turned < _GOOD_TURN_RAD and 1 / _GOOD_SIZE < abs(ratio) < _GOOD_SIZE
