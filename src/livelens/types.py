"""The values that travel: frames, items, attributes.

A source makes `Captured` pictures; the pipeline gives each a stream and a
sequence number (`Frame`), and carries it with all that becomes known about it
through the stages (`Item`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import supervision as sv

from livelens.picture import ArrayPicture, Picture, Pixels

AttributeValue = float | int | str | bool | None


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
        value: the measured value.
        score: confidence in 0..1.
        pts_ns: of the frame it was measured on, so that a slow descriptor's value
            is late but never mistaken for new.
    """

    value: AttributeValue
    score: float
    pts_ns: int


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of the picture that a virtual camera shows, in source pixels."""

    x: float
    y: float
    width: float
    height: float


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
        viewport: what the virtual camera shows.
        timings: one entry for every stage passed.
        extra: results of plug-ins that fit nowhere else, by stage name.
        dropped: frames of the stream that were dropped so far, by "stage/reason"; known
            when the item is delivered.
    """

    frame: Frame
    detections: sv.Detections | None = None
    attributes: Mapping[int, Mapping[str, Attribute]] = field(default_factory=dict)
    viewport: Viewport | None = None
    timings: tuple[Timing, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    def with_(self, **changes: Any) -> "Item":
        """A copy with these fields replaced."""
        return replace(self, **changes)


def no_detections() -> sv.Detections:
    """Detections of a frame on which a detector found nothing."""
    empty: sv.Detections = sv.Detections.empty()
    empty.data["class_name"] = np.empty(0, dtype=np.str_)
    return empty
