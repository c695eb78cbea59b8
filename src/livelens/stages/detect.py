"""Finds objects with a model of the zoo, for one stream or many at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.errors import ConfigError
from livelens.models.runner import Precision, RuntimeName
from livelens.picture import Picture, Pixels
from livelens.spec import StageSpec
from livelens.stages.detections import joined, select
from livelens.types import Item, no_detections

if TYPE_CHECKING:
    from livelens.models.detector import Detector

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Detect(StageSpec, frozen=True, kw_only=True):
    """Finds objects. Several of them on a stream add to each other.

    `data["detector"]` tells who found what, by the stage's name or else its model's.

    Attributes:
        model: a name of the zoo or the path of an ONNX file.
        classes: names to keep; None keeps all.
        confidence: lowest confidence to keep; None is the model's own.
        iou: two boxes of a class that overlap more are one object; None is the model's own.
        max_objects: the most confident that are kept in each frame; None keeps all.
        decoder: how to read the outputs of an own ONNX file; the zoo knows its models'.
        labels: class names of an own ONNX file in the order of its class ids, or the name of a
            label set of the zoo.
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})
    scope: ClassVar[Literal["stream", "shared"]] = "shared"

    model: Annotated[str, msgspec.Meta(min_length=1)] = "coco-ssd"
    classes: tuple[str, ...] | None = None
    confidence: Ratio | None = None
    iou: Ratio | None = None
    max_objects: Annotated[int, msgspec.Meta(ge=1)] | None = None
    decoder: str | None = None
    labels: str | tuple[str, ...] | None = None
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "DetectStage":
        """Load the model and warm it up.

        Raises:
            ConfigError: a class that the model does not know, or an impossible setting.
            NotFound: no model has that name.
            ModelError: the model cannot be had or loaded.
        """
        from livelens.models import zoo

        detector = zoo.load(
            self.model,
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
            confidence=self.confidence,
            iou=self.iou,
            decoder=self.decoder,
            labels=self.labels,
        )
        try:
            keep = _class_ids(self.classes, detector.labels, self.model)
            detector.warm_up()
        except BaseException:
            detector.close()
            raise
        return DetectStage(
            detector, name=self.name or self.model, keep=keep, max_objects=self.max_objects
        )


class DetectStage:
    """Runs a detector on a batch of frames, of one stream or several.

    Args:
        detector: the model; closed with the stage.
        name: stands at the stage's own detections in `data["detector"]`.
        keep: class ids to keep; None keeps all.
        max_objects: most detections in a frame.
    """

    def __init__(
        self,
        detector: "Detector",
        *,
        name: str = "detect",
        keep: NDArray[np.int_] | None = None,
        max_objects: int | None = None,
    ) -> None:
        self._detector = detector
        self._name = name
        self._keep = keep
        self._max_objects = max_objects

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with what was found added to their detections, in pixels of the frame."""
        if not items:
            return []
        images = [self._input(item.frame.picture) for item in items]
        found = self._detector.detect(images, [item.frame.size_px for item in items])
        return [
            item.with_(detections=joined(item.detections, self._chosen(each)))
            for item, each in zip(items, found, strict=True)
        ]

    def close(self) -> None:
        """Release the model."""
        self._detector.close()

    def _input(self, picture: Picture) -> Pixels:
        """The picture in the model's size, made straight from the decoder's planes."""
        return picture.rgb_resized(*self._detector.resized_px((picture.width, picture.height)))

    def _chosen(self, found: sv.Detections) -> sv.Detections:
        if self._keep is not None and found.class_id is not None:
            found = select(found, np.isin(found.class_id, self._keep))
        if self._max_objects is not None and found.confidence is not None:
            best = np.argsort(-found.confidence, kind="stable")[: self._max_objects]
            found = select(found, np.sort(best))
        if not len(found):
            return no_detections()
        found.data["detector"] = np.full(len(found), self._name)
        return found


def _class_ids(
    names: tuple[str, ...] | None, labels: Sequence[str], model: str
) -> NDArray[np.int_] | None:
    if names is None:
        return None
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise ConfigError(
            f"the model {model!r} has no class {unknown[0]!r}; it has: "
            f"{', '.join(filter(None, labels))}"
        )
    return np.array([index for index, label in enumerate(labels) if label in names], dtype=int)
