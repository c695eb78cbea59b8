"""Subjects as our own detector and tracker see them, instead of by ground truth."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from livelens.bench.framing.subjects import LEAST_FRAMES, Array, Clip, Subject
from livelens.bench.perception.sequences import Box, tracked
from livelens.bench.report import note
from livelens.flow.run import run
from livelens.stages.detect import Detect
from livelens.stages.track import Track

# A box that overlaps less is somebody else's.
LEAST_IOU = 0.3


def tracks(clip: Clip, model: str) -> dict[int, list[Box]]:
    """Tracked boxes by frame, counted from 0, of a detector that looks at every frame.

    Raises:
        LivelensError: the clip or the model cannot be had.
    """
    found: dict[int, list[Box]] = defaultdict(list)
    classes = ("person",) if model != "face" else None
    for item in run(clip.source, stages=[Detect(model=model, classes=classes), Track()]):
        tracked(item.detections, item.frame.seq, found)
    return found


def seen(subject: Subject, found: dict[int, list[Box]]) -> Subject | None:
    """The subject with the tracked box nearest to its true one in each frame.

    It begins where it is first seen. Frames in which no box overlaps enough are frames in which
    it is not seen. The numbers that the tracker gives are not asked: who is who is another
    question than how a camera follows.

    Returns:
        None where it is hardly ever seen.
    """
    places = np.full_like(subject.truth, np.nan)
    for index, (number, truth) in enumerate(zip(subject.frames, subject.truth, strict=True)):
        candidates = found.get(int(number), [])
        if np.isnan(truth[0]) or not candidates:
            continue
        boxes = np.array([box.xyxy for box in candidates])
        overlap = _iou(boxes, truth)
        best = int(overlap.argmax())
        if overlap[best] >= LEAST_IOU:
            places[index] = boxes[best]
    known = np.flatnonzero(~np.isnan(places[:, 0]))
    if len(known) < LEAST_FRAMES:
        note(f"framing: {subject.clip}, {subject.name}: the detector does not see it")
        return None
    first = known[0]
    return replace(
        subject,
        frames=subject.frames[first:],
        times_ns=subject.times_ns[first:],
        truth=subject.truth[first:],
        seen=places[first:],
    )


def _iou(boxes: Array, one: Array) -> Array:
    start, end = np.maximum(boxes[:, :2], one[:2]), np.minimum(boxes[:, 2:], one[2:])
    shared = np.prod(np.clip(end - start, 0.0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(one[2:] - one[:2])
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), dtype=np.float64)
