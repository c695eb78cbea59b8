"""Results in the shapes that other programs speak.

A `Result` is what leaves Livelens. Here it becomes supervision's `Detections` and
back, COCO annotations, MOT text, Roboflow's JSON and Frigate's events.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import supervision as sv

from livelens.clock import NS_PER_S, nanoseconds
from livelens.events import DetectedObject, Result
from livelens.types import no_detections

Json = dict[str, Any]


def to_supervision(result: Result) -> sv.Detections:
    """The objects as supervision's `Detections`.

    `tracker_id` is set when any object has one, -1 where an object has none.
    `data["class_name"]` holds the names, `data["keypoints"]` the points where all
    objects have equally many.
    """
    objects = result.objects
    if not objects:
        return no_detections()
    data: dict[str, Any] = {"class_name": np.array([each.class_name for each in objects])}
    counts = {len(each.keypoints) for each in objects}
    if len(counts) == 1 and 0 not in counts:
        data["keypoints"] = np.array([each.keypoints for each in objects], dtype=np.float32)
    ids = [-1 if each.tracker_id is None else each.tracker_id for each in objects]
    return sv.Detections(
        xyxy=np.array([each.box for each in objects], dtype=np.float32),
        confidence=np.array([each.confidence for each in objects], dtype=np.float32),
        class_id=np.array([each.class_id for each in objects], dtype=int),
        tracker_id=np.array(ids, dtype=int) if any(i >= 0 for i in ids) else None,
        data=data,
    )


def from_supervision(found: sv.Detections) -> list[DetectedObject]:
    """The objects of supervision's `Detections`; a negative tracker_id means none."""
    count = len(found)
    names = found.data.get("class_name", [""] * count)
    points = found.data.get("keypoints", [()] * count)
    classes = found.class_id if found.class_id is not None else np.zeros(count, dtype=int)
    scores = found.confidence if found.confidence is not None else np.ones(count)
    ids = found.tracker_id if found.tracker_id is not None else np.full(count, -1)
    return [
        DetectedObject(
            box=(
                float(found.xyxy[i][0]),
                float(found.xyxy[i][1]),
                float(found.xyxy[i][2]),
                float(found.xyxy[i][3]),
            ),
            class_name=str(names[i]),
            class_id=int(classes[i]),
            confidence=float(scores[i]),
            tracker_id=int(ids[i]) if ids[i] >= 0 else None,
            keypoints=[(float(x), float(y)) for x, y in points[i]],
        )
        for i in range(count)
    ]


def to_coco(results: Iterable[Result]) -> Json:
    """A COCO detection data set: `images`, `annotations`, `categories`.

    One image for each result, ids from 1, `file_name` "stream/seq". Boxes are
    [x, y, width, height] in pixels, `score` is the confidence, `category_id` the
    class_id + 1 as COCO counts from 1. `annotations` alone, which carry `score`, is
    what COCO's evaluators read as results.
    """
    images: list[Json] = []
    annotations: list[Json] = []
    categories: dict[int, str] = {}
    for image_id, result in enumerate(results, start=1):
        width, height = result.size_px
        name = f"{result.stream}/{result.seq:08d}"
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for each in result.objects:
            x, y, box_width, box_height = _xywh(each)
            categories.setdefault(each.class_id + 1, each.class_name)
            annotation: Json = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": each.class_id + 1,
                "bbox": [x, y, box_width, box_height],
                "area": round(box_width * box_height, 2),
                "iscrowd": 0,
                "score": each.confidence,
            }
            if each.tracker_id is not None:
                annotation["track_id"] = each.tracker_id
            annotations.append(annotation)
    return {
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name or str(number)}
            for number, name in sorted(categories.items())
        ],
    }


def to_mot(result: Result, *, untracked: bool = False) -> list[str]:
    """Lines of MOTChallenge text, "frame,id,x,y,w,h,conf,class,vis".

    Frames and classes count from 1 there: frame is seq + 1, class is class_id + 1, so
    that COCO's person is MOT's pedestrian. The visibility is not known and stated as 1.

    Args:
        result: one frame.
        untracked: also write objects without a tracker_id, with the id -1 as in MOT's
            detection files; evaluators of tracks want them left out.
    """
    lines = []
    for each in result.objects:
        if each.tracker_id is None and not untracked:
            continue
        x, y, width, height = _xywh(each)
        tracker_id = -1 if each.tracker_id is None else each.tracker_id
        lines.append(
            f"{result.seq + 1},{tracker_id},{x:.2f},{y:.2f},{width:.2f},{height:.2f},"
            f"{each.confidence:.4f},{each.class_id + 1},1"
        )
    return lines


def to_roboflow(result: Result) -> Json:
    """The JSON that Roboflow's inference answers: boxes by centre and size.

    `detection_id` is made of stream, frame and place in the frame, so that it is the same
    whenever the same result is converted.
    """
    width, height = result.size_px
    predictions: list[Json] = []
    for index, each in enumerate(result.objects):
        x, y, box_width, box_height = _xywh(each)
        prediction: Json = {
            "x": round(x + box_width / 2, 2),
            "y": round(y + box_height / 2, 2),
            "width": box_width,
            "height": box_height,
            "confidence": each.confidence,
            "class": each.class_name,
            "class_id": each.class_id,
            "detection_id": f"{result.stream}-{result.seq}-{index}",
        }
        if each.tracker_id is not None:
            prediction["tracker_id"] = each.tracker_id
        predictions.append(prediction)
    return {
        "image": {"width": width, "height": height},
        "time": result.latency_ns / NS_PER_S,
        "predictions": predictions,
    }


def _xywh(each: DetectedObject) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = each.box
    return x_min, y_min, round(x_max - x_min, 2), round(y_max - y_min, 2)


@dataclass(slots=True)
class _Tracked:
    """A tracked object's life as Frigate's events tell it."""

    event_id: str
    start_s: float
    still_since_s: float
    anchor: tuple[float, float, float, float]
    top_score: float = 0.0
    motionless: int = 0
    moves: int = 0
    last: Json = field(default_factory=dict)
    told: Json = field(default_factory=dict)
    told_pts_ns: int = 0
    seen_pts_ns: int = 0


class FrigateEvents:
    """Turns results into messages as Frigate sends them on its topic `frigate/events`.

    Each message is ``{"type": "new" | "update" | "end", "before": {…}, "after": {…}}``. An
    object is told once as `new`, again when its label, its being stationary or (by 0.05)
    its best score changed, at least every `update_s`, and once as `end`. Objects without a
    tracker_id are not told of. One instance serves any number of streams; a stream is
    Frigate's camera. Times are Unix seconds, boxes whole pixels [x_min, y_min, x_max, y_max].

    Args:
        end_s: an object not seen for this long has ended.
        update_s: a living object is told again after so long.
        still_s: an object whose box stays for this long is stationary.
    """

    def __init__(self, *, end_s: float = 2.0, update_s: float = 5.0, still_s: float = 5.0) -> None:
        self._end_ns = nanoseconds(end_s)
        self._update_ns = nanoseconds(update_s)
        self._still_s = still_s
        self._objects: dict[tuple[str, int], _Tracked] = {}

    def update(self, result: Result) -> list[Json]:
        """The messages that a frame gives rise to, ends first."""
        messages = self._ended(result)
        for each in result.objects:
            if each.tracker_id is None:
                continue
            key = (result.stream, each.tracker_id)
            tracked = self._objects.get(key)
            if tracked is None:
                start_s = result.captured_unix_ns / NS_PER_S
                event_id = f"{start_s:.6f}-{each.tracker_id}"
                tracked = _Tracked(event_id, start_s, start_s, each.box)
                self._objects[key] = tracked
            messages += self._seen(tracked, each, result)
        return messages

    def close(self, stream: str | None = None) -> list[Json]:
        """The ends of all objects still living, of one stream or of all."""
        chosen = [key for key in self._objects if stream is None or key[0] == stream]
        return [self._end(key) for key in chosen]

    def _seen(self, tracked: _Tracked, each: DetectedObject, result: Result) -> list[Json]:
        tracked.seen_pts_ns = result.pts_ns
        tracked.top_score = max(tracked.top_score, each.confidence)
        if _overlap(tracked.anchor, each.box) < 0.9:
            tracked.moves += 1
            tracked.anchor, tracked.motionless = each.box, 0
        else:
            tracked.motionless += 1
        tracked.last = self._state(tracked, each, result)
        if not tracked.told:
            return [self._tell(tracked, "new", tracked.last)]
        changed = any(
            tracked.told[name] != tracked.last[name]
            for name in ("label", "sub_label", "stationary")
        )
        changed |= tracked.top_score >= tracked.told["top_score"] + 0.05
        if changed or result.pts_ns - tracked.told_pts_ns >= self._update_ns:
            return [self._tell(tracked, "update", tracked.told)]
        return []

    def _state(self, tracked: _Tracked, each: DetectedObject, result: Result) -> Json:
        now_s = result.captured_unix_ns / NS_PER_S
        if tracked.motionless == 0:
            tracked.still_since_s = now_s
        _, _, width, height = _xywh(each)
        stationary = now_s - tracked.still_since_s >= self._still_s
        name = each.attributes.get("name")
        return {
            "id": tracked.event_id,
            "camera": result.stream,
            "frame_time": now_s,
            "label": each.class_name,
            "sub_label": None if name is None else [str(name.value), name.score],
            "score": each.confidence,
            "top_score": tracked.top_score,
            "false_positive": False,
            "start_time": tracked.start_s,
            "end_time": None,
            "box": [round(value) for value in each.box],
            "area": round(width * height),
            "ratio": round(width / height, 2) if height > 0 else 0.0,
            "region": [0, 0, *result.size_px],
            "active": not stationary,
            "stationary": stationary,
            "motionless_count": tracked.motionless,
            "position_changes": tracked.moves,
            "current_zones": [],
            "entered_zones": [],
            "has_clip": False,
            "has_snapshot": False,
            "attributes": {key: value.score for key, value in each.attributes.items()},
            "current_estimated_speed": 0,
        }

    def _tell(self, tracked: _Tracked, kind: str, before: Json) -> Json:
        message = {"type": kind, "before": before, "after": tracked.last}
        tracked.told, tracked.told_pts_ns = tracked.last, tracked.seen_pts_ns
        return message

    def _ended(self, result: Result) -> list[Json]:
        present = {each.tracker_id for each in result.objects}
        gone = [
            key
            for key, tracked in self._objects.items()
            if key[0] == result.stream
            and key[1] not in present
            and not 0 <= result.pts_ns - tracked.seen_pts_ns < self._end_ns
        ]
        return [self._end(key) for key in gone]

    def _end(self, key: tuple[str, int]) -> Json:
        tracked = self._objects.pop(key)
        before = tracked.told
        tracked.last = {**tracked.last, "end_time": tracked.last["frame_time"]}
        return self._tell(tracked, "end", before)


def _overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> float:
    """Intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    union = areas[0] + areas[1] - common
    return common / union if union > 0 else 0.0
