"""Finds objects with a model of the zoo, for one stream or many at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.errors import ConfigError
from livelens.models.runner import Precision, RuntimeName
from livelens.picture import Picture, Pixels
from livelens.spec import StageSpec
from livelens.stages.detections import joined, one_of_alike, select
from livelens.types import Frame, Item, no_detections

if TYPE_CHECKING:
    from livelens.models.detector import Detector

# Streams whose cadence is remembered; one that is forgotten is looked at once more.
_MOST_STREAMS = 256

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Detect(StageSpec, frozen=True, kw_only=True):
    """Finds objects. Several of them on a stream add to each other.

    `data["detector"]` tells who found what, by the stage's name or else its model's.

    Where it does not look at a frame (`every`), the frame's `undetected` names it, and what
    others found stays; `Track` then carries its boxes on.

    Attributes:
        model: a name of the zoo or the path of an ONNX file.
        classes: names to find; the others are left out before boxes compete. None finds all.
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
        every: looks at every so manieth frame of each stream. `auto`: at as many as there is
            time for, and the others do not wait; on what is read without loss, all of them.
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
    every: Annotated[int, msgspec.Meta(ge=1, le=1000)] | Literal["auto"] = 1

    def __post_init__(self) -> None:
        if self.every not in (1, "auto") and self.workers != 1:
            raise ValueError("who looks at every Nth frame must see all: workers must be 1")

    @property
    def passes_over(self) -> bool:
        """Whether frames go on at once while the detector is busy."""
        return self.every == "auto"

    def passed_over(self, item: Item) -> Item:
        """The item of a frame that this detector does not look at."""
        return _undetected(item, self.name or self.model)

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
            if keep is not None:
                detector.thresholds = replace(detector.thresholds, classes=tuple(keep.tolist()))
            detector.warm_up()
        except BaseException:
            detector.close()
            raise
        return DetectStage(
            detector,
            name=self.name or self.model,
            keep=keep,
            max_objects=self.max_objects,
            every=1 if self.every == "auto" else self.every,
        )


class DetectStage:
    """Runs a detector on a batch of frames, of one stream or several.

    Args:
        detector: the model; closed with the stage.
        name: stands at the stage's own detections in `data["detector"]`.
        keep: class ids to keep; None keeps all.
        max_objects: most detections in a frame.
        every: looks at a frame of a stream when so many came since the last it looked at.
    """

    def __init__(
        self,
        detector: "Detector",
        *,
        name: str = "detect",
        keep: NDArray[np.int_] | None = None,
        max_objects: int | None = None,
        every: int = 1,
    ) -> None:
        self._detector = detector
        self._name = name
        self._keep = keep
        self._max_objects = max_objects
        self._every = every
        # Of each stream, the number of the frame it last looked at.
        self._looked: dict[str, int] = {}

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with what was found added to their detections, in pixels of the frame."""
        looks = [self._is_due(item.frame) for item in items]
        chosen = [item.frame for item, look in zip(items, looks, strict=True) if look]
        images = [self._input(frame.picture) for frame in chosen]
        found = iter(
            self._detector.detect(images, [frame.size_px for frame in chosen]) if chosen else []
        )
        return [
            item.with_(detections=joined(item.detections, self._chosen(next(found))))
            if look
            else _undetected(item, self._name)
            for item, look in zip(items, looks, strict=True)
        ]

    def close(self) -> None:
        """Release the model."""
        self._detector.close()

    def _is_due(self, frame: Frame) -> bool:
        if self._every == 1:
            return True
        last = self._looked.pop(frame.stream_id, None)
        # Counted from the last one: dropped frames neither delay nor hasten the next look. A
        # smaller number is a stream that began anew.
        due = last is None or not 0 < frame.seq - last < self._every
        self._looked[frame.stream_id] = frame.seq if due or last is None else last
        while len(self._looked) > _MOST_STREAMS:
            del self._looked[next(iter(self._looked))]
        return due

    def _input(self, picture: Picture) -> Pixels:
        """The picture in the model's size, made straight from the decoder's planes."""
        return picture.rgb_resized(*self._detector.resized_px((picture.width, picture.height)))

    def _chosen(self, found: sv.Detections) -> sv.Detections:
        if self._keep is not None and found.class_id is not None:
            found = select(found, np.isin(found.class_id, self._keep))
        found = one_of_alike(found)
        if self._max_objects is not None and found.confidence is not None:
            best = np.argsort(-found.confidence, kind="stable")[: self._max_objects]
            found = select(found, np.sort(best))
        if not len(found):
            return no_detections()
        found.data["detector"] = np.full(len(found), self._name)
        return found


def _undetected(item: Item, name: str) -> Item:
    return item.with_(
        detections=item.detections if item.detections is not None else no_detections(),
        undetected=item.undetected | {name},
    )


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
