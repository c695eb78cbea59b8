"""A model that is no detector: pictures of its own size in, raw outputs out."""

from collections.abc import Sequence

import numpy as np

from livelens.models.manifest import Preprocess
from livelens.models.preprocess import Image, Size, placement, tensor
from livelens.models.runner import FloatTensor, Runner, TensorInfo


class Network:
    """Runs a model on crops. Calls from several threads at once are safe.

    Attributes:
        name: of the model.
        labels: names of its classes, where it has some.
        input_size_px: (width, height) of its input.
        outputs: what it gives, in order.
    """

    def __init__(
        self, name: str, runner: Runner, rule: Preprocess, labels: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.labels = labels
        self.input_size_px: Size = (rule.width_px, rule.height_px)
        self.outputs: tuple[TensorInfo, ...] = runner.outputs
        self._runner = runner
        self._rule = rule

    @property
    def device(self) -> str:
        """Where the model runs, as its runtime calls it."""
        return self._runner.device

    def __call__(self, images: Sequence[Image]) -> list[FloatTensor]:
        """Runs the model.

        Args:
            images: (height, width, 3) uint8 RGB each, of `input_size_px`; one or more.

        Returns:
            One float32 array for each output; the first axis is the picture.

        Raises:
            ModelError: the model failed.
            ValueError: a picture has another size.
        """
        for image in images:
            if (image.shape[1], image.shape[0]) != self.input_size_px:
                raise ValueError(
                    f"{self.name}: a picture must be {self.input_size_px}, "
                    f"got {(image.shape[1], image.shape[0])}"
                )
        place = placement(self._rule, self.input_size_px)
        return self._runner(tensor(self._rule, images, [place] * len(images)))

    def warm_up(self) -> None:
        """Runs once on a grey picture, so that the first real one is not slower."""
        width, height = self.input_size_px
        self([np.full((height, width, 3), 128, np.uint8)])

    def close(self) -> None:
        """Frees the model. No call may follow."""
        self._runner.close()
