"""The values that travel: frames, items, attributes.

A source makes `Captured` pictures; the pipeline gives each a stream and a
sequence number (`Frame`), and carries it with all that becomes known about it
through the stages (`Item`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from livelens.picture import ArrayPicture, Picture, Pixels

AttributeValue = float | int | str | bool | None | list[list[float]]
Part = Literal["body", "face", "left_hand", "right_hand"]


@dataclass(frozen=True, slots=True)
class Captured:
    """A picture as a source delivers it.

    Attributes:
        picture: the pixels.
        pts_ns: media time in nanoseconds, growing, from any origin.
        captured_ns: `clock.now_ns()` when its first byte was seen: the origin of latency.
        ntp_ns: the sender's clock (Unix epoch, nanoseconds) where it tells, as RTCP does.
    """

    picture: Picture
    pts_ns: int
    captured_ns: int
    ntp_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture of one stream.

    Attributes:
        stream_id: the stream it belongs to.
        seq: +1 for every picture that the source delivered; a gap is a drop.
        pts_ns: media time in nanoseconds; strictly growing within a stream.
        captured_ns: monotonic host time when its first byte was seen.
        picture: the pixels.
        ntp_ns: the sender's clock, where known.
    """

    stream_id: str
    seq: int
    pts_ns: int
    captured_ns: int
    picture: Picture
    ntp_ns: int | None = None

    @property
    def image(self) -> Pixels:
        """(height, width, 3) uint8 BGR, read-only; converted at the first call."""
        return self.picture.bgr()

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height)."""
        return self.picture.width, self.picture.height

    @classmethod
    def of(
        cls, image: Pixels, *, stream_id: str = "image", seq: int = 0, pts_ns: int = 0
    ) -> "Frame":
        """A frame of a (H, W, 3) uint8 BGR array, for tests and single photographs."""
        return cls(stream_id, seq, pts_ns, 0, ArrayPicture(image))


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something measured on a tracked object.

    Attributes:
        value: the measured value; a list holds points, [x, y, …] each.
        score: confidence in 0..1.
        pts_ns: of the frame it was measured on, so that a slow descriptor's value
            is late but never mistaken for new.
        scores: of every alternative, where the descriptor tells; they sum to 1.
    """

    value: AttributeValue
    score: float
    pts_ns: int
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points on one part of one person.

    Attributes:
        part: which part; the order of its points is that of MediaPipe.
        points: (n, 3) float32; x and y in pixels of the frame, z in the same scale,
            negative towards the camera.
        visibility: (n,) float32 in 0..1, where the model tells.
        score: confidence in 0..1 that the part is there.
        person: the parts of one person have the same number.
        world: (n, 3) float32 in metres, where the model tells: of a body from the middle of its
            hips, of a hand from its own middle.
    """

    part: Part
    points: NDArray[np.float32]
    score: float
    person: int = 0
    visibility: NDArray[np.float32] | None = None
    world: NDArray[np.float32] | None = None

    def normalised(self, size_px: tuple[int, int]) -> NDArray[np.float32]:
        """(n, 3) float32: x and z as parts of the frame's width, y of its height."""
        width, height = size_px
        scale: NDArray[np.float32] = np.array([width, height, width], np.float32)
        return np.divide(self.points, scale, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of the picture that a virtual camera shows. Never outside the picture.

    Attributes:
        x, y: its left upper corner in pixels of the frame; not whole numbers, as it moves by
            parts of a pixel.
        width, height: in pixels of the frame.
        aspect: width by height of the shot. A viewport of another shape is shown whole, and the
            rest of the shot is filled up.
        largest_px: width and height of the largest viewport of that aspect in this picture: the
            shot's natural size in pixels.
        cut: the camera has jumped here from somewhere else.
        subjects: tracker_ids of those who are shown on purpose, the most important first.
        state: `following` a subject, `holding` where it was last seen, or `wide`.
    """

    x: float
    y: float
    width: float
    height: float
    aspect: float
    largest_px: tuple[float, float]
    cut: bool = False
    subjects: tuple[int, ...] = ()
    state: Literal["following", "holding", "wide"] = "wide"


@dataclass(frozen=True, slots=True)
class Timing:
    """When a stage began and ended its work on a frame (`clock.now_ns()`)."""

    stage: str
    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Item:
    """A frame and all that is known about it. Stages return changed copies (`with_`).

    Attributes:
        frame: the frame.
        detections: objects, in pixels of the frame; None until a detector ran.
        attributes: per tracker_id, by name.
        landmarks: points of bodies, faces and hands.
        mask: (h, w) uint8 of any size, stretched over the frame: 255 where a person is.
        undetected: names of the detectors that did not look at this frame, on purpose.
        viewports: what virtual cameras show, by the name of their stage.
        timings: one entry for every stage passed.
        extra: results of plug-ins that fit nowhere else, by stage name.
        dropped: frames of the stream that were dropped so far, by "stage/reason"; known
            when the item is delivered.
        ahead: the frames that followed it so far, with all that was known before the stage; only
            for a stage that looks ahead (`StageSpec.lookahead_s`).
        held_ns: how long it was held on purpose, for stages that look ahead: no lateness.
    """

    frame: Frame
    detections: sv.Detections | None = None
    attributes: Mapping[int, Mapping[str, Attribute]] = field(default_factory=dict)
    landmarks: tuple[Landmarks, ...] = ()
    mask: NDArray[np.uint8] | None = None
    undetected: frozenset[str] = frozenset()
    viewports: Mapping[str, Viewport] = field(default_factory=dict)
    timings: tuple[Timing, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    ahead: tuple["Item", ...] = ()
    held_ns: int = 0

    def with_(self, **changes: Any) -> "Item":
        """A copy with these fields replaced."""
        return replace(self, **changes)


def no_detections() -> sv.Detections:
    """Detections of a frame on which a detector found nothing."""
    empty: sv.Detections = sv.Detections.empty()
    empty.data["class_name"] = np.empty(0, dtype=np.str_)
    return empty
