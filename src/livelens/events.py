"""The messages that leave Livelens, and their JSON Schema.

`Result` is one frame's outcome. `Problem` and `State` tell what happens to a
stream. On every wire a message is one JSON object with a `type`.
"""

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.clock import now_ns, rtp_timestamp, wall_ns
from livelens.errors import one_line
from livelens.types import Attribute, AttributeValue, Item, Landmarks, Part, Viewport

StreamState = Literal[
    "starting", "running", "waiting", "reconnecting", "ended", "failed", "stopped"
]


class ObjectAttribute(msgspec.Struct, frozen=True, omit_defaults=True):
    """A measured attribute.

    Attributes:
        value: what was measured; None when it could not be told.
        score: confidence in 0..1.
        pts_ns: of the latest frame it was measured on.
        scores: of every alternative, where the descriptor tells.
    """

    value: AttributeValue
    score: float
    pts_ns: int
    scores: dict[str, float] = {}


class DetectedObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object of a frame.

    Attributes:
        box: [x_min, y_min, x_max, y_max] in pixels of the frame.
        class_name: the label; empty when the model has none.
        class_id: the model's number of the class.
        confidence: 0..1.
        tracker_id: the same object keeps it from frame to frame; None before a tracker ran.
        attributes: by name.
        keypoints: [[x, y], …] in pixels, where the detector gives them.
        detector: the name of the stage that found it.
        predicted: no detector looked at this frame; the tracker carried the box here.
    """

    box: tuple[float, float, float, float]
    class_name: str
    class_id: int
    confidence: float
    tracker_id: int | None = None
    attributes: dict[str, ObjectAttribute] = {}
    keypoints: list[tuple[float, float]] = []
    detector: str = ""
    predicted: bool = False


class LandmarkSet(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points on one part of one person, in the order of MediaPipe's.

    Attributes:
        part: "body", "face", "left_hand" or "right_hand".
        person: the parts of one person have the same number.
        score: confidence in 0..1 that the part is there.
        points: [[x, y, z], …] in pixels of the frame; z grows away from the camera.
        normalised: the same with x and z as parts of the frame's width, y of its height; left
            out on data channels, which carry what is drawn.
        visibility: 0..1 for each point, where the model tells.
        world: [[x, y, z], …] in metres, where the model tells: of a body from the middle of its
            hips, of a hand from its own middle; left out on data channels.
    """

    part: Part
    person: int
    score: float
    points: list[tuple[float, float, float]]
    normalised: list[tuple[float, float, float]] = []
    visibility: list[float] = []
    world: list[tuple[float, float, float]] = []


class Mask(msgspec.Struct, frozen=True):
    """Where persons are: run lengths as COCO writes them, not compressed.

    Attributes:
        size: [height, width] of the mask, which is stretched over the frame.
        counts: runs of pixels that are not and that are, in turn, column by column.
    """

    size: tuple[int, int]
    counts: list[int]


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a virtual camera shows of a frame.

    Attributes:
        box: [x_min, y_min, x_max, y_max] in pixels of the frame; inside it.
        aspect: width by height of the shot; a box of another shape is shown whole, and the rest
            of the shot is filled up.
        state: `following` a subject, `holding` where it was last seen, or `wide`.
        subjects: tracker_ids of those who are shown on purpose, the most important first.
        cut: the camera has jumped here.
        largest: [width, height] of the largest box of that aspect, the shot's natural size; left
            out unless borders of the picture make it smaller than the picture lets it be.
    """

    box: tuple[float, float, float, float]
    aspect: float
    state: Literal["following", "holding", "wide"]
    subjects: list[int] = []
    cut: bool = False
    largest: tuple[float, float] | None = None


class StageTime(msgspec.Struct, frozen=True):
    """When a stage began and how long it took, in nanoseconds since the capture."""

    stage: str
    began_ns: int
    took_ns: int


class Result(msgspec.Struct, frozen=True, tag="result"):
    """What is known about one frame. One message for every delivered frame.

    Attributes:
        stream: the stream's id.
        seq: the frame's number; a gap is a drop.
        pts_ns: media time.
        rtp_timestamp: the RTP timestamp of this very picture in every WebRTC rendition.
        captured_unix_ns: when its first byte was seen, by the server's wall clock.
        ntp_ns: capture time by the sender's clock, where it tells.
        size_px: [width, height] of the frame, the space of all boxes.
        latency_ns: from capture to the end of the last stage.
        stages: timings.
        dropped: frames of this stream dropped so far, by "stage/reason".
        objects: what was found.
        landmarks: points of bodies, faces and hands.
        mask: where persons are.
        undetected: names of detectors that did not look at this frame.
        viewports: what virtual cameras show, by the name of their stage.
        extra: what stages tell besides, by name.
    """

    stream: str
    seq: int
    pts_ns: int
    rtp_timestamp: int
    captured_unix_ns: int
    size_px: tuple[int, int]
    latency_ns: int
    stages: list[StageTime]
    dropped: dict[str, int]
    objects: list[DetectedObject]
    ntp_ns: int | None = None
    landmarks: list[LandmarkSet] = []
    mask: Mask | None = None
    undetected: list[str] = []
    viewports: dict[str, Shown] = {}
    extra: dict[str, Any] = {}


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """Something went wrong in a stream; the server and other streams live on."""

    stream: str
    where: str
    message: str
    unix_ns: int


class State(msgspec.Struct, frozen=True, tag="state"):
    """A stream changed its state; one that is `waiting` has no publisher."""

    stream: str
    state: StreamState
    unix_ns: int
    detail: str = ""


Message = Result | Problem | State


def _plain(value: object) -> object:
    """What a plug-in gave as an extra: numpy's numbers and arrays, as JSON knows them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} is nothing that JSON knows")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder = msgspec.json.Decoder(Message)


def encoded(message: Message) -> bytes:
    """The message as one line of JSON.

    A result into which a plug-in has put what JSON cannot tell becomes a problem that says
    so: a reader must neither be cut off nor wonder.
    """
    try:
        return _encoder.encode(message)
    except (TypeError, ValueError, OverflowError, RecursionError, NotImplementedError) as error:
        if not isinstance(message, Result):
            raise
        why = f"frame {message.seq} cannot be told: {one_line(error)}"
        return _encoder.encode(Problem(message.stream, "result", why, wall_ns()))


def for_drawing(message: Message) -> Message:
    """The message without what a page can tell from the rest: a face mesh is long."""
    if not isinstance(message, Result) or not message.landmarks:
        return message
    lean = [msgspec.structs.replace(each, normalised=[], world=[]) for each in message.landmarks]
    return msgspec.structs.replace(message, landmarks=lean)


def decoded(text: bytes | str) -> Message:
    """A message from its JSON.

    Raises:
        msgspec.ValidationError: not such a message.
    """
    message: Message = _decoder.decode(text)
    return message


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the messages."""
    return msgspec.json.schema(Message)


def result_of(item: Item, dropped: dict[str, int]) -> Result:
    """The message that tells what is known about a frame."""
    frame = item.frame
    ended_ns = item.timings[-1].ended_ns if item.timings else now_ns()
    return Result(
        stream=frame.stream_id,
        seq=frame.seq,
        pts_ns=frame.pts_ns,
        rtp_timestamp=rtp_timestamp(frame.pts_ns),
        captured_unix_ns=wall_ns() - (now_ns() - frame.captured_ns),
        size_px=frame.size_px,
        latency_ns=ended_ns - frame.captured_ns,
        stages=[
            StageTime(t.stage, t.began_ns - frame.captured_ns, t.ended_ns - t.began_ns)
            for t in item.timings
        ],
        dropped=dropped,
        objects=_objects_of(item),
        ntp_ns=frame.ntp_ns,
        landmarks=[_landmarks(each, frame.size_px) for each in item.landmarks],
        mask=_mask(item.mask) if item.mask is not None else None,
        undetected=sorted(item.undetected),
        viewports={name: shown(each, frame.size_px) for name, each in item.viewports.items()},
        extra=dict(item.extra),
    )


def shown(viewport: Viewport, size_px: tuple[int, int]) -> Shown:
    """What results tell of a viewport in a picture of this width and height."""
    x, y = viewport.x, viewport.y
    right, bottom = x + viewport.width, y + viewport.height
    whole_width = min(size_px[0], size_px[1] * viewport.aspect)
    width, height = viewport.largest_px
    return Shown(
        box=(round(x, 2), round(y, 2), round(right, 2), round(bottom, 2)),
        aspect=round(viewport.aspect, 4),
        state=viewport.state,
        subjects=list(viewport.subjects),
        cut=viewport.cut,
        largest=(round(width, 2), round(height, 2)) if width < whole_width - 0.5 else None,
    )


def _objects_of(item: Item) -> list[DetectedObject]:
    found = item.detections
    if found is None or len(found) == 0:
        return []
    count = len(found)
    names = found.data.get("class_name")
    points = found.data.get("keypoints")
    detectors = found.data.get("detector")
    predicted = found.data.get("predicted")
    boxes = found.xyxy.tolist()
    classes = found.class_id.tolist() if found.class_id is not None else [0] * count
    scores = found.confidence.tolist() if found.confidence is not None else [1.0] * count
    ids: list[int] | None = found.tracker_id.tolist() if found.tracker_id is not None else None
    objects = []
    for i in range(count):
        # A tracker marks what it has not yet confirmed with a negative id.
        tracker_id = None if ids is None or ids[i] < 0 else ids[i]
        known = item.attributes.get(tracker_id, {}) if tracker_id is not None else {}
        objects.append(
            DetectedObject(
                box=(
                    round(boxes[i][0], 1),
                    round(boxes[i][1], 1),
                    round(boxes[i][2], 1),
                    round(boxes[i][3], 1),
                ),
                class_name=str(names[i]) if names is not None else "",
                class_id=int(classes[i]),
                confidence=round(float(scores[i]), 4),
                tracker_id=tracker_id,
                attributes={name: _attribute(value) for name, value in known.items()},
                keypoints=[(round(float(x), 1), round(float(y), 1)) for x, y in points[i]]
                if points is not None
                else [],
                detector=str(detectors[i]) if detectors is not None else "",
                # A detector that was joined to others without the field left a NaN.
                predicted=predicted is not None and bool(predicted[i] == 1),
            )
        )
    return objects


def _attribute(attribute: Attribute) -> ObjectAttribute:
    return ObjectAttribute(
        _rounded(attribute.value),
        round(float(attribute.score), 4),
        attribute.pts_ns,
        {name: round(float(score), 4) for name, score in attribute.scores.items()},
    )


def _rounded(value: AttributeValue) -> AttributeValue:
    """More digits than anything can be measured to would only fill the wire."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list):
        return [[round(number, 3) for number in point] for point in value]
    return value


def _landmarks(found: Landmarks, size_px: tuple[int, int]) -> LandmarkSet:
    return LandmarkSet(
        part=found.part,
        person=found.person,
        score=round(float(found.score), 4),
        points=_triples(found.points, 1),
        normalised=_triples(found.normalised(size_px), 5),
        visibility=np.round(found.visibility.astype(float), 3).tolist()
        if found.visibility is not None
        else [],
        world=_triples(found.world, 4) if found.world is not None else [],
    )


def _triples(points: NDArray[np.float32], digits: int) -> list[tuple[float, float, float]]:
    # As float64: what was rounded in float32 would be told with all its digits.
    rows: list[list[float]] = np.round(points.astype(float), digits).tolist()
    return [(x, y, z) for x, y, z in rows]


def _mask(mask: NDArray[np.uint8]) -> Mask:
    inside = (mask >= 128).ravel(order="F")
    changes = np.flatnonzero(np.diff(inside)) + 1
    edges = np.concatenate([[0], changes, [inside.size]])
    runs: list[int] = np.diff(edges).tolist()
    if inside.size and inside[0]:
        runs = [0, *runs]
    return Mask((mask.shape[0], mask.shape[1]), runs)
