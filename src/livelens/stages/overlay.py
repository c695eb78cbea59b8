"""Draws what is known about a frame on a copy of its picture."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import cv2
import msgspec
import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.picture import ArrayPicture, Pixels
from livelens.spec import StageSpec
from livelens.stages.background import behind, composed
from livelens.stages.captions import plain, words
from livelens.stages.detections import select
from livelens.stages.landmarks.drawing import draw
from livelens.types import Attribute, Item

PALETTE = sv.ColorPalette.from_hex(
    [
        *("#2f9bff", "#ff8a1f", "#35c759", "#ff4f64", "#a56bff", "#ffd60a"),
        *("#19c9c2", "#ff5fc4", "#9fce2d", "#6f86ff", "#e0a46a", "#5fd0ff"),
    ]
)


def _readable_on(color: sv.Color) -> sv.Color:
    """Black or white, whichever stands out more (Rec. 601 luma)."""
    luma = 0.299 * color.r + 0.587 * color.g + 0.114 * color.b
    return sv.Color.BLACK if luma > 140 else sv.Color.WHITE


_LINE_LETTERS = 28
_TEXT = sv.ColorPalette([_readable_on(color) for color in PALETTE.colors])


class Overlay(StageSpec, frozen=True, kw_only=True):
    """Draws boxes, labels, landmarks and traces, and what is behind persons.

    Attributes:
        boxes: outline each object; of one that the tracker carried over a frame on which no
            detector saw it, only the corners.
        labels: write class and tracker_id above it.
        confidence: write the confidence as well.
        attributes: write what descriptors told about it as well.
        landmarks: draw the skeletons of bodies and hands, and the contours of faces.
        background: `none` leaves it, `blur`, or a colour `#rrggbb`; takes a mask stage.
        trace: draw the way of each tracked object, this many frames back; 0 draws none.
        color: a colour for each track, or for each class.
        thickness_px: of lines; 0 goes by the size of the picture.
        text_scale: of labels, 1 is about 22 px high; 0 goes by the size of the picture.
    """

    boxes: bool = True
    labels: bool = True
    confidence: bool = False
    attributes: bool = True
    landmarks: bool = True
    background: str = "none"
    trace: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    color: Literal["track", "class"] = "track"
    thickness_px: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    text_scale: Annotated[float, msgspec.Meta(ge=0, le=20)] = 0.0

    def __post_init__(self) -> None:
        behind(self.background)

    def open(self) -> "OverlayStage":
        """The stage; it learns the size of the picture from the first frame."""
        return OverlayStage(self)


class OverlayStage:
    """Draws for one stream, with supervision's annotators."""

    def __init__(self, spec: Overlay) -> None:
        self._spec = spec
        self._behind = behind(spec.background)
        self._size_px: tuple[int, int] | None = None
        self._thickness = 1
        self._box: sv.BoxAnnotator
        self._corners: sv.BoxCornerAnnotator
        self._label: sv.LabelAnnotator
        self._trace: sv.TraceAnnotator
        self._line_height_px = self._padding_px = 0

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with drawn pictures; where there is nothing to draw, as they were."""
        return [self._drawn(item) for item in items]

    def close(self) -> None:
        """Nothing to release."""

    def _drawn(self, item: Item) -> Item:
        spec = self._spec
        found = item.detections
        objects = bool(found) and (spec.boxes or spec.labels or spec.trace > 0)
        points = spec.landmarks and bool(item.landmarks)
        if not (objects or points or (self._behind is not None and item.mask is not None)):
            return item
        self._fit(item.frame.size_px)
        if self._behind is not None and item.mask is not None:
            scene = composed(item.frame.image, item.mask, self._behind)
        else:
            scene = item.frame.image.copy()
        if points:
            faces = {each.person for each in item.landmarks if each.part == "face"}
            for each in item.landmarks:
                color = PALETTE.by_idx(each.person % len(PALETTE.colors)).as_bgr()
                draw(scene, each, color, self._thickness, head=each.person not in faces)
        if objects and found is not None:
            self._draw_objects(scene, item, found)
        return item.with_(frame=replace(item.frame, picture=ArrayPicture(scene)))

    def _draw_objects(self, scene: Pixels, item: Item, found: sv.Detections) -> None:
        spec = self._spec
        colors = self._colors(found)
        if spec.trace:
            tracked = _tracked(found)
            if tracked.any():
                self._trace.annotate(
                    scene, select(found, tracked), custom_color_lookup=colors[tracked]
                )
        if spec.boxes:
            predicted = _predicted(found)
            for annotator, which in ((self._box, ~predicted), (self._corners, predicted)):
                if which.any():
                    annotator.annotate(
                        scene, select(found, which), custom_color_lookup=colors[which]
                    )
        if spec.labels:
            labels = self._labels(found, item.attributes)
            self._label.annotate(
                scene,
                self._label_places(found, labels),
                labels=labels,
                custom_color_lookup=colors,
            )

    def _fit(self, size_px: tuple[int, int]) -> None:
        """Make the annotators for pictures of this size; a new size begins new traces."""
        if size_px == self._size_px:
            return
        self._size_px = size_px
        spec = self._spec
        thickness = spec.thickness_px or max(1, round(min(size_px) / 220))
        scale = spec.text_scale or max(0.4, min(size_px) / 1100)
        by_index = sv.ColorLookup.INDEX  # of the lookup given with each call
        self._thickness = thickness
        self._box = sv.BoxAnnotator(PALETTE, thickness=thickness, color_lookup=by_index)
        self._corners = sv.BoxCornerAnnotator(
            PALETTE, thickness=thickness, corner_length=6 + 4 * thickness, color_lookup=by_index
        )
        text_thickness, padding = max(1, round(scale * 1.6)), max(2, round(scale * 7))
        self._label = sv.LabelAnnotator(
            PALETTE,
            text_color=_TEXT,
            text_scale=scale,
            text_thickness=text_thickness,
            text_padding=padding,
            color_lookup=by_index,
        )
        (_, text_height), _ = cv2.getTextSize("A", cv2.FONT_HERSHEY_SIMPLEX, scale, text_thickness)
        self._line_height_px, self._padding_px = text_height + padding, padding
        self._trace = sv.TraceAnnotator(
            PALETTE,
            trace_length=max(1, spec.trace),
            thickness=thickness,
            position=sv.Position.BOTTOM_CENTER,
            color_lookup=by_index,
        )

    def _colors(self, found: sv.Detections) -> NDArray[np.int64]:
        count = len(found)
        classes = found.class_id if found.class_id is not None else np.zeros(count, dtype=int)
        if self._spec.color == "class" or found.tracker_id is None:
            chosen = classes
        else:
            # What has no track yet is drawn in the colour of its class.
            chosen = np.where(_tracked(found), found.tracker_id, classes)
        return np.asarray(chosen, dtype=np.int64) % len(PALETTE.colors)

    def _label_places(self, found: sv.Detections, labels: list[str]) -> sv.Detections:
        """The boxes to write above, lowered where a label would leave the picture."""
        boxes = found.xyxy.copy()
        lines = np.array([label.count("\n") + 1 for label in labels])
        heights = lines * self._line_height_px + self._padding_px
        boxes[:, 1] = np.maximum(boxes[:, 1], heights)
        return sv.Detections(xyxy=boxes, class_id=found.class_id)

    def _labels(
        self, found: sv.Detections, attributes: Mapping[int, Mapping[str, Attribute]]
    ) -> list[str]:
        names = found.data.get("class_name")
        tracked = _tracked(found)
        labels = []
        for i in range(len(found)):
            first = [] if names is None else [plain(str(names[i]))]
            second = []
            if tracked[i] and found.tracker_id is not None:
                tracker_id = int(found.tracker_id[i])
                first.append(f"#{tracker_id}")
                if self._spec.attributes:
                    second = words(attributes.get(tracker_id, {}))
            if self._spec.confidence and found.confidence is not None:
                first.append(f"{found.confidence[i]:.0%}")
            lines = [" ".join(filter(None, first)), *_lines(second)]
            labels.append("\n".join(filter(None, lines)))
        return labels


def _lines(spoken: list[str]) -> list[str]:
    """Words on as few lines as are not too long to read."""
    lines: list[str] = []
    for word in spoken:
        if lines and len(lines[-1]) + 1 + len(word) <= _LINE_LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _predicted(found: sv.Detections) -> NDArray[np.bool_]:
    given = found.data.get("predicted")
    if given is None:
        return np.zeros(len(found), dtype=bool)
    return np.array([value == 1 for value in given], dtype=bool)


def _tracked(found: sv.Detections) -> NDArray[np.bool_]:
    if found.tracker_id is None:
        return np.zeros(len(found), dtype=bool)
    return np.asarray(found.tracker_id >= 0)
