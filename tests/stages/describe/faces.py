"""Photographs of faces from the zoo, and crops of what a detector found on them."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from livelens.crop import Crop
from livelens.models import zoo
from livelens.models.detector import Detector
from livelens.picture import Pixels
from livelens.types import Frame

# Of multi_face.jpg, from left to right.
GENDERS = ["male", "female", "male", "female", "female"]


@cache
def detector() -> Detector:
    """The recommended one, loaded once."""
    return zoo.load("face", precision="f32")


def photograph(name: str) -> Pixels:
    """A BGR picture of the clip ``faces``."""
    picture = cv2.imread(str(_folder() / name))
    assert picture is not None
    return np.asarray(picture, np.uint8)


def crops(picture: Pixels, *, keypoints: bool = True) -> list[Crop]:
    """The faces of a BGR picture, from left to right."""
    found = detector()([np.ascontiguousarray(picture[:, :, ::-1])])[0]
    frame = Frame.of(picture)
    order = np.argsort(found.xyxy[:, 0])
    return [
        Crop(
            frame,
            tuple(map(float, found.xyxy[index])),  # type: ignore[arg-type]
            "face",
            tracker_id=int(place),
            keypoints=np.asarray(found.data["keypoints"][index]) if keypoints else None,
        )
        for place, index in enumerate(order)
    ]


def turned(picture: Pixels, degrees: float) -> Pixels:
    """The picture turned clockwise about its middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    whole = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(whole, np.uint8)


def odd_crops() -> list[Crop]:
    """What no descriptor may stumble over: no face, a cut one, tiny, huge, grey, keypoints off."""
    picture = photograph("single_face.jpg")
    (face,) = crops(picture)
    left, top, right, bottom = map(int, face.box)
    middle = (left + right) // 2
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    whole = (0.0, 0.0, 64.0, 64.0)
    nowhere = np.full((5, 2), np.nan, np.float32)
    huge = cv2.resize(picture[top:bottom, left:right], (3840, 2160))
    return [
        Crop(Frame.of(np.full((64, 64, 3), 90, np.uint8)), whole),
        Crop(Frame.of(noise), whole, keypoints=np.zeros((5, 2), np.float32)),
        Crop(Frame.of(noise), whole, keypoints=nowhere),
        Crop(Frame.of(noise), (10.0, 10.0, 11.0, 11.0), keypoints=np.full((6, 2), 1e6, np.float32)),
        Crop(
            Frame.of(np.ascontiguousarray(picture[:, middle:])), (0.0, top, right - middle, bottom)
        ),
        Crop(Frame.of(np.asarray(huge, np.uint8)), (0.0, 0.0, 3840.0, 2160.0)),
        Crop(Frame.of(np.asarray(cv2.resize(picture, (64, 64)), np.uint8)), whole),
    ]


@cache
def _folder() -> Path:
    return zoo.clip("faces").parent
