"""From photographs to embeddings: the one face in each, if it is fit to be compared with."""

import cv2
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.errors import PictureError
from livelens.faces.chip import face_points, pose, sharpness
from livelens.faces.embedding import Embedder
from livelens.models import zoo
from livelens.models.fetch import Progress, silent
from livelens.picture import Pixels
from livelens.types import Frame

DETECTOR = "face"

# What a face must have to be compared with later; measured in docs/identity.md.
LEAST_EYES_PX = 20.0
MOST_TURN = 0.35
LEAST_SHARPNESS = 0.01

# A face this much smaller than the largest one stands in the background.
_BACKGROUND = 0.3
# A box that lies in that of the largest face by this much is a part of it.
_SAME_FACE = 0.5
# Detectors find no face that fills the picture: then its edges are continued by this much.
_BORDER = 0.5


class Enroller:
    """Looks for the face in a photograph and turns it into an embedding.

    Raises:
        DownloadError, ModelError: a model cannot be had or loaded.
    """

    def __init__(self, *, threads: int = 0, progress: Progress = silent) -> None:
        self._detector = zoo.load(DETECTOR, threads=threads, progress=progress)
        self._embedder = Embedder(threads=threads, progress=progress)

    def face(self, picture: Pixels, what: str, *, largest: bool = False) -> Crop:
        """The one face in a picture, with its keypoints.

        Args:
            picture: (h, w, 3) uint8 BGR.
            what: what the error calls it.
            largest: of several, take the largest.

        Raises:
            PictureError: there is no face, or there are several.
        """
        frame, found = self._faces(picture)
        if not len(found):
            raise PictureError(f"no face in {what}: use a picture that shows it from the front")
        sizes = np.maximum(found.xyxy[:, 2] - found.xyxy[:, 0], found.xyxy[:, 3] - found.xyxy[:, 1])
        best = int(np.argmax(sizes))
        near = (sizes >= _BACKGROUND * sizes[best]) & (_inside(found.xyxy, best) < _SAME_FACE)
        if near.any() and not largest:
            raise PictureError(f"{1 + int(near.sum())} faces in {what}: crop to one")
        left, top, right, bottom = (float(x) for x in found.xyxy[best])
        assert found.confidence is not None
        return Crop(
            frame,
            (left, top, right, bottom),
            "face",
            float(found.confidence[best]),
            keypoints=np.asarray(found.data["keypoints"][best], np.float32),
        )

    def embedding(self, picture: Pixels, what: str) -> NDArray[np.float32]:
        """The embedding of the one face in a picture, (KIND.size,) of length 1.

        Args:
            picture: (h, w, 3) uint8 BGR.
            what: what the error calls it.

        Raises:
            PictureError: there is no face, or there are several, or it is not fit.
        """
        crop = self.face(picture, what)
        fault = unfit(crop)
        if fault is not None:
            raise PictureError(f"the face in {what} {fault}")
        return np.asarray(self._embedder([crop])[0], np.float32)

    def close(self) -> None:
        """Frees the models."""
        self._detector.close()
        self._embedder.close()

    def _faces(self, picture: Pixels) -> tuple[Frame, sv.Detections]:
        found = self._detected(picture)
        if len(found):
            return Frame.of(picture), found
        border = round(_BORDER * max(picture.shape[:2]))
        # Its own edge continued, not black, which would be an edge that faces do not have.
        wider = cv2.copyMakeBorder(
            picture, border, border, border, border, borderType=cv2.BORDER_REPLICATE
        )
        framed = np.asarray(wider, np.uint8)
        return Frame.of(framed), self._detected(framed)

    def _detected(self, picture: Pixels) -> sv.Detections:
        return self._detector([np.ascontiguousarray(picture[:, :, ::-1])])[0]


def _inside(boxes: NDArray[np.number], of: int) -> NDArray[np.floating]:
    """(n,): how much of each box lies inside one of them, 1 for that itself."""
    corner = np.maximum(boxes[:, :2], boxes[of, :2])
    common = np.clip(np.minimum(boxes[:, 2:], boxes[of, 2:]) - corner, 0, None).prod(axis=1)
    return np.asarray(common / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6))


def unfit(crop: Crop) -> str | None:
    """Why a face cannot be enrolled, to follow "the face in X"; None if it can."""
    points = face_points(crop)
    if points is None:
        return "is without eyes and mouth"
    seen = pose(points)
    if seen.eyes_px < LEAST_EYES_PX:
        return (
            f"is too small: its eyes are {seen.eyes_px:.0f} pixels apart, "
            f"at least {LEAST_EYES_PX:.0f} are needed"
        )
    if abs(seen.turn) > MOST_TURN:
        return "is turned too far to the side: use a picture from the front"
    if sharpness(crop, points) < LEAST_SHARPNESS:
        return "is too blurred"
    return None
