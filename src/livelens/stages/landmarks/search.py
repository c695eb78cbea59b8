"""Looking for parts of people in a whole frame."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livelens.types import Frame

if TYPE_CHECKING:
    from livelens.models.detector import Detector

Found = tuple[NDArray[np.float32], NDArray[np.float32]]


def found_in(frame: Frame, detector: "Detector | None") -> list[Found]:
    """The box (4,) and the keypoints (k, 2) of each part, px of the frame, best first.

    Args:
        frame: where to look.
        detector: gives keypoints; None never finds.
    """
    if detector is None:
        return []
    size = frame.size_px
    image = frame.picture.rgb_resized(*detector.resized_px(size))
    (found,) = detector.detect([image], [size])
    if not len(found):
        return []
    boxes = np.asarray(found.xyxy, np.float32)
    points = np.asarray(found.data["keypoints"], np.float32).reshape(len(found), -1, 2)
    return list(zip(boxes, points, strict=True))
