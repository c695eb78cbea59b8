"""From pictures to the model's input tensor, and where each picture lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.models.manifest import Preprocess

Image = NDArray[np.uint8]
Size = tuple[int, int]
"""(width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies inside the input tensor.

    ``frame_x = (input_x - left_px) * scale_x``, and the same for y.

    Attributes:
        scale_x, scale_y: frame pixels per input pixel.
        left_px, top_px: where the picture begins in the tensor, in input pixels.
        frame_px, input_px: (width, height).
    """

    scale_x: float
    scale_y: float
    left_px: int
    top_px: int
    frame_px: Size
    input_px: Size


def resized_px(rule: Preprocess, frame_px: Size) -> Size:
    """(width, height) to which a frame is resized: the input's, less any padding."""
    if rule.fit == "stretch":
        return rule.width_px, rule.height_px
    scale = min(rule.width_px / frame_px[0], rule.height_px / frame_px[1])
    return max(1, round(frame_px[0] * scale)), max(1, round(frame_px[1] * scale))


def placement(rule: Preprocess, frame_px: Size) -> Placement:
    """Where a frame of `frame_px` lies once resized to `resized_px` and padded."""
    width, height = resized_px(rule, frame_px)
    centred = rule.fit == "letterbox"
    return Placement(
        scale_x=frame_px[0] / width,
        scale_y=frame_px[1] / height,
        left_px=(rule.width_px - width) // 2 if centred else 0,
        top_px=(rule.height_px - height) // 2 if centred else 0,
        frame_px=frame_px,
        input_px=(rule.width_px, rule.height_px),
    )


def resize(rule: Preprocess, image: Image) -> Image:
    """Resizes a frame (H, W, 3) uint8 to `resized_px`."""
    height, width = image.shape[:2]
    target = resized_px(rule, (width, height))
    if target == (width, height):
        return image
    resized: Image = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return resized


def tensor(
    rule: Preprocess, images: Sequence[Image], placements: Sequence[Placement]
) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Stacks resized RGB pictures into one input tensor.

    Args:
        rule: the model's preprocessing.
        images: (h, w, 3) uint8 RGB each, of the size that `resized_px` tells.
        placements: one for each picture.

    Returns:
        (N, C, H, W) or (N, H, W, C), by ``rule.layout``, contiguous; C is 3, or 1 for grey.
    """
    channels = rule.channels
    shape = (len(images), rule.height_px, rule.width_px, channels)
    if rule.dtype == "uint8" and rule.layout == "nhwc" and len(images) == 1:
        single = _canvas(rule, images[0], placements[0])
        return np.ascontiguousarray(_ordered(rule, single)[None])
    target_shape = shape if rule.layout == "nhwc" else (shape[0], channels, shape[1], shape[2])
    if rule.dtype == "uint8":
        raw = np.empty(target_shape, np.uint8)
        for index, (image, place) in enumerate(zip(images, placements, strict=True)):
            picture = _ordered(rule, _canvas(rule, image, place))
            raw[index] = picture if rule.layout == "nhwc" else picture.transpose(2, 0, 1)
        return raw
    scale = 1 / np.asarray(rule.std[:channels], np.float32)
    offset = -np.asarray(rule.mean[:channels], np.float32) * scale
    if rule.layout == "nchw":
        scale, offset = scale[:, None, None], offset[:, None, None]
    out = np.empty(target_shape, np.float32)
    for index, (image, place) in enumerate(zip(images, placements, strict=True)):
        picture = _ordered(rule, _canvas(rule, image, place))
        source = picture if rule.layout == "nhwc" else picture.transpose(2, 0, 1)
        np.multiply(source, scale, out=out[index], casting="unsafe")
        out[index] += offset
    return out


def _ordered(rule: Preprocess, image: Image) -> Image:
    if rule.color == "grey":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    return image[:, :, ::-1] if rule.color == "bgr" else image


def _canvas(rule: Preprocess, image: Image, place: Placement) -> Image:
    height, width = image.shape[:2]
    if (width, height) == (rule.width_px, rule.height_px):
        return image
    canvas = np.full((rule.height_px, rule.width_px, 3), rule.pad_value, np.uint8)
    canvas[place.top_px : place.top_px + height, place.left_px : place.left_px + width] = image
    return canvas
