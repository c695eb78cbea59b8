"""Decoders: how the raw outputs of each family of detectors become detections.

A decoder is one function in its own file. `DECODERS` names them, each with the
preprocessing that its family is trained with, for user models that say no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from livelens.errors import ModelError
from livelens.models.decoders import (
    blazeface,
    centerface,
    centernet,
    nanodet,
    rfdetr,
    ssd,
    ultralytics,
    yolox,
)
from livelens.models.decoders.boxes import Tensor, Thresholds
from livelens.models.manifest import Preprocess
from livelens.models.preprocess import Placement

if TYPE_CHECKING:
    import supervision as sv


class Decode(Protocol):
    """Turns the outputs of a batch into one `Detections` for each picture.

    Raises:
        ModelError: the outputs have other shapes than the decoder knows.
    """

    def __call__(
        self,
        outputs: Sequence[Tensor],
        placements: Sequence[Placement],
        labels: Sequence[str],
        thresholds: Thresholds,
    ) -> "list[sv.Detections]": ...


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder and what its family of models usually wants.

    Attributes:
        decode: the function.
        input: preprocessing, with the size to use where the file leaves it open.
        labels: name of the label set in the manifest.
        iou: usual threshold of suppression.
    """

    decode: Decode
    input: Preprocess
    labels: str
    iou: float = 0.5


_HALF = (127.5, 127.5, 127.5)
_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)

DECODERS: Mapping[str, Decoder] = {
    "blazeface": Decoder(
        blazeface.decode,
        Preprocess(192, 192, mean=_HALF, std=_HALF, fit="letterbox", pad_value=0),
        labels="face",
        iou=0.3,
    ),
    "centerface": Decoder(
        centerface.decode,
        Preprocess(640, 640, fit="letterbox", pad_value=0),
        labels="face",
        iou=0.3,
    ),
    "centernet": Decoder(
        centernet.decode,
        Preprocess(512, 512, fit="letterbox", pad_value=0),
        labels="coco80",
    ),
    "nanodet": Decoder(
        nanodet.decode,
        Preprocess(
            416,
            416,
            color="bgr",
            mean=_IMAGENET_MEAN[::-1],
            std=_IMAGENET_STD[::-1],
            fit="letterbox",
            pad_value=0,
        ),
        labels="coco80",
        iou=0.6,
    ),
    "rfdetr": Decoder(
        rfdetr.decode,
        Preprocess(560, 560, mean=_IMAGENET_MEAN, std=_IMAGENET_STD),
        labels="coco91",
    ),
    "ssd": Decoder(ssd.decode, Preprocess(300, 300, mean=_HALF, std=_HALF), labels="coco90"),
    "ultralytics": Decoder(
        ultralytics.decode,
        Preprocess(640, 640, std=(255.0, 255.0, 255.0), fit="letterbox"),
        labels="coco80",
        iou=0.7,
    ),
    "yolox": Decoder(
        yolox.decode,
        Preprocess(640, 640, color="bgr", fit="letterbox-corner"),
        labels="coco80",
    ),
}


def decoder_named(name: str) -> Decoder:
    """The decoder of that name.

    Raises:
        ModelError: there is none; the message names those that there are.
    """
    if name not in DECODERS:
        raise ModelError(f"no decoder {name!r}; there are {', '.join(sorted(DECODERS))}")
    return DECODERS[name]
