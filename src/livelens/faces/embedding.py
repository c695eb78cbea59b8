"""Faces as numbers that tell people apart, and how alike two of them are.

Two small networks are asked, each for the face and its mirror image. Each errs in its own
way, dlib's with children above all, and together they mistake strangers for one another
several times less often than either (docs/identity.md has the figures).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.faces.chip import chip, face_points
from livelens.faces.gallery import Kind
from livelens.models import zoo
from livelens.models.fetch import Progress, silent
from livelens.models.runner import Precision, RuntimeName

Embeddings = NDArray[np.float32]

# Its name changes whenever its numbers do.
KIND = Kind("face-dlib+face-hse/1", 128 + 1024)

# dlib's network, whose cosines are crowded near 1, counts for three of four parts. The other
# one wants to see some more around the face.
_DLIB_SHARE = 0.75
_HSE_ZOOM = 0.85

# The cosine at which strangers and acquaintances are told apart unless a threshold says
# otherwise, and how quickly likeness changes around it.
_SAME_COSINE = 0.875
_SOFTNESS = 0.02


class Embedder:
    """Turns faces into embeddings.

    Raises:
        DownloadError, ModelError: a network cannot be had or loaded.
    """

    def __init__(
        self,
        *,
        runtime: RuntimeName = "auto",
        device: str = "cpu",
        threads: int = 0,
        precision: Precision = "auto",
        progress: Progress = silent,
    ) -> None:
        self._networks = [
            zoo.network(
                name,
                runtime=runtime,
                device=device,
                threads=threads,
                precision=precision,
                progress=progress,
            )
            for name in ("face-dlib", "face-hse")
        ]

    def __call__(self, crops: Sequence[Crop]) -> Embeddings:
        """One embedding for each face: (n, KIND.size), each of length 1.

        Raises:
            ValueError: a crop has no keypoints of a face.
        """
        if not crops:
            return np.empty((0, KIND.size), np.float32)
        points = [face_points(crop) for crop in crops]
        parts = []
        for network, share, zoom in zip(
            self._networks, (_DLIB_SHARE, 1 - _DLIB_SHARE), (1.0, _HSE_ZOOM), strict=True
        ):
            size_px = network.input_size_px[0]
            chips = []
            for crop, four in zip(crops, points, strict=True):
                if four is None:
                    raise ValueError("a face without keypoints cannot be compared")
                seen = chip(crop, four, size_px, zoom)
                chips += [seen, np.ascontiguousarray(seen[:, ::-1])]
            output = network(chips)[0].reshape(len(crops), 2, -1).sum(axis=1)
            parts.append(np.sqrt(share) * output / np.linalg.norm(output, axis=1, keepdims=True))
        return np.asarray(np.hstack(parts), np.float32)

    def close(self) -> None:
        """Frees the networks."""
        for network in self._networks:
            network.close()


def likeness(cosine: float) -> float:
    """How alike two faces are, 0..1, by the cosine of their embeddings.

    0.5 is where they are as good as certain to be of one person unless they are children or
    near relatives; docs/identity.md says how often that is wrong, here and elsewhere.
    """
    return float(1 / (1 + np.exp(-evidence(cosine))))


def evidence(cosine: float, threshold: float = 0.5) -> float:
    """The logarithm of the odds that two faces are of one person; 0 at the threshold.

    Args:
        cosine: of the embeddings.
        threshold: the likeness at which both are as likely, above 0 and below 1.
    """
    return (cosine - _SAME_COSINE) / _SOFTNESS - float(np.log(threshold / (1 - threshold)))
