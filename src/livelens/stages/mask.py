"""Tells persons from what is behind them.

The network is MediaPipe's selfie segmentation: made for one person or a few, near the
camera.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.models.runner import Precision, RuntimeName
from livelens.spec import StageSpec
from livelens.types import Frame, Item

if TYPE_CHECKING:
    from livelens.models.network import Network

Shares = NDArray[np.float32]
_FORGET_NS = 500_000_000


class Mask(StageSpec, frozen=True, kw_only=True):
    """Gives each frame a mask of the persons on it, of 256×256 stretched over the frame.

    Attributes:
        steady: how much of the mask before stays where the new one is not sure, 0..1; it
            calms edges that flicker.
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"mask"})
    models: ClassVar[tuple[str, ...]] = ("selfie-mask",)

    steady: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.7
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("masks follow one another: workers must be 1")

    def open(self) -> "MaskStage":
        """Load the model and warm it up.

        Raises:
            ModelError: the model cannot be had or loaded.
        """
        from livelens.models import zoo

        network = zoo.network(
            "selfie-mask",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        return MaskStage(network, self.steady)


class MaskStage:
    """Masks the frames of one stream.

    Args:
        network: the model; closed with the stage.
        steady: as `Mask.steady`.
    """

    def __init__(self, network: "Network", steady: float) -> None:
        self._network = network
        self._steady = steady
        self._last: tuple[Frame, Shares] | None = None

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with their masks, 255 where a person is."""
        return [item.with_(mask=self._mask(item.frame)) for item in items]

    def close(self) -> None:
        """Free the model."""
        self._network.close()

    def _mask(self, frame: Frame) -> NDArray[np.uint8]:
        image = frame.picture.rgb_resized(*self._network.input_size_px)
        (output,) = self._network([image])
        shares: Shares = output[0, :, :, 0]
        if self._last is not None and _follows(frame, self._last[0]):
            shares = calmed(shares, self._last[1], self._steady)
        self._last = (frame, shares)
        return np.asarray(np.round(shares * 255), np.uint8)


def calmed(now: Shares, before: Shares, steady: float) -> Shares:
    """The new mask, with some of the one before where it is not sure.

    Args:
        now, before: (h, w) shares of a person, 0..1.
        steady: how much of `before` stays where `now` is 0.5.
    """
    doubt = 1 - np.abs(2 * now - 1)
    return np.asarray(now + np.float32(steady) * doubt * (before - now), np.float32)


def _follows(frame: Frame, last: Frame) -> bool:
    near = 0 < frame.pts_ns - last.pts_ns <= _FORGET_NS
    return near and frame.size_px == last.size_px
