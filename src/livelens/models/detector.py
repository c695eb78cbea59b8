"""A model made ready to detect: pictures in, detections in frame pixels out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from livelens.models.decoders import Decode
from livelens.models.decoders.boxes import Thresholds
from livelens.models.manifest import Preprocess
from livelens.models.preprocess import Image, Size, placement, resize, resized_px, tensor
from livelens.models.runner import Runner

if TYPE_CHECKING:
    import supervision as sv


class Detector:
    """Detects objects in RGB pictures. Calls from several threads at once are safe.

    Attributes:
        name: of the model.
        labels: the name of each class id; empty for a class that is never reported.
        input_size_px: (width, height) of the model's input.
        letterbox: whether pictures keep their aspect ratio in it.
        thresholds: what is kept; may be replaced between calls.
    """

    def __init__(
        self,
        name: str,
        runner: Runner,
        rule: Preprocess,
        decode: Decode,
        labels: tuple[str, ...],
        thresholds: Thresholds,
    ) -> None:
        self.name = name
        self.labels = labels
        self.thresholds = thresholds
        self.input_size_px: Size = (rule.width_px, rule.height_px)
        self.letterbox = rule.fit != "stretch"
        self._runner = runner
        self._rule = rule
        self._decode = decode

    @property
    def device(self) -> str:
        """Where the model runs, as its runtime calls it."""
        return self._runner.device

    def resized_px(self, frame_px: Size) -> Size:
        """(width, height) that `detect` wants for a frame of `frame_px`.

        `input_size_px`, or with `letterbox` the part of it that the frame fills.
        """
        return resized_px(self._rule, frame_px)

    def __call__(self, images: Sequence[Image]) -> "list[sv.Detections]":
        """Detects in frames of any size.

        Args:
            images: (H, W, 3) uint8 RGB each.

        Returns:
            One `Detections` for each, as `detect` gives them.
        """
        sizes = [(image.shape[1], image.shape[0]) for image in images]
        return self.detect([resize(self._rule, image) for image in images], sizes)

    def detect(
        self, resized: Sequence[Image], frame_sizes_px: Sequence[Size]
    ) -> "list[sv.Detections]":
        """Detects in pictures that the caller has made small already.

        Args:
            resized: (h, w, 3) uint8 RGB each, of the size that `resized_px` tells for the
                frame it was made from.
            frame_sizes_px: (width, height) of those frames.

        Returns:
            One `Detections` for each: `xyxy` (n, 4) float32 frame pixels, clipped to the
            frame, best first; `confidence` (n,) float32; `class_id` (n,);
            ``data["class_name"]`` (n,) str; for faces ``data["keypoints"]`` (n, k, 2)
            float32 frame pixels.

        Raises:
            ModelError: the model failed, or its outputs do not fit the decoder.
            ValueError: a picture has another size than `resized_px` tells.
        """
        if not resized:
            return []
        places = [placement(self._rule, size) for size in frame_sizes_px]
        for image, size in zip(resized, frame_sizes_px, strict=True):
            wanted = resized_px(self._rule, size)
            if (image.shape[1], image.shape[0]) != wanted:
                raise ValueError(
                    f"{self.name}: a frame of {size} must be resized to {wanted}, "
                    f"got {(image.shape[1], image.shape[0])}"
                )
        outputs = self._runner(tensor(self._rule, resized, places))
        return self._decode(outputs, places, self.labels, self.thresholds)

    def warm_up(self) -> None:
        """Runs once on a grey picture, so that the first real one is not slower."""
        width, height = self.input_size_px
        self([np.full((height, width, 3), 128, np.uint8)])

    def close(self) -> None:
        """Frees the model. No call may follow."""
        self._runner.close()
