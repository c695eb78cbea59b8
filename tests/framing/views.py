"""Pictures for tests of what is around a subject: scenes, bars, logos."""

from collections.abc import Iterable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.clock import NS_PER_S
from livelens.framing.scenery import Scenery, View
from livelens.picture import ArrayPicture
from livelens.types import Frame

Image = NDArray[np.uint8]
SIZE = (640, 360)


def place(seed: int, size: tuple[int, int] = SIZE, detail: int = 9) -> Image:
    """A picture of some place: no two seeds look alike."""
    return _place(seed, size, detail).copy()


@cache
def _place(seed: int, size: tuple[int, int], detail: int) -> Image:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (detail, detail * 16 // 9, 3)).astype(np.float32)
    fine = rng.integers(0, 256, (detail * 6, detail * 10, 3)).astype(np.float32)
    image = 0.7 * cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    image += 0.3 * cv2.resize(fine, size, interpolation=cv2.INTER_CUBIC)
    return image.clip(0, 255).astype(np.uint8)


def scaled(image: Image, width: int) -> Image:
    height = width * image.shape[0] // image.shape[1]
    return np.asarray(cv2.resize(image, (width, height)), np.uint8)


def seen(
    images: Iterable[Image], scenery: Scenery | None = None, fps: float = 30.0, start: int = 0
) -> list[View]:
    """What is seen in one picture after another."""
    scenery = scenery or Scenery()
    return [
        scenery.look(
            Frame(
                "test", n, round(n * NS_PER_S / fps), 0, ArrayPicture(np.ascontiguousarray(image))
            )
        )
        for n, image in enumerate(images, start)
    ]


def cuts(views: list[View]) -> list[int]:
    return [n for n, view in enumerate(views) if view.cut]


def walking(image: Image, frames: int, step: float = 4.0) -> list[Image]:
    """The view of a camera that pans over a wide picture."""
    width, height = SIZE
    return [
        np.asarray(
            cv2.getRectSubPix(image, (width, height), (width / 2 + n * step, height / 2)), np.uint8
        )
        for n in range(frames)
    ]
