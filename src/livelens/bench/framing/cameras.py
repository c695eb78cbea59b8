"""Sends the cameras of `reframe` along the path of a subject."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from livelens.bench.framing.metrics import Path
from livelens.bench.framing.subjects import Subject
from livelens.clock import NS_PER_S
from livelens.framing.camera import Camera
from livelens.framing.cost import cost
from livelens.framing.geometry import Field, Rect, Shot, Target
from livelens.framing.optimum import best_path
from livelens.stages.reframe import Reframe

Method = Literal["ema", "one-euro", "operator"]
METHODS: tuple[Method, ...] = ("ema", "one-euro", "operator")
# How the stage moves its camera unless it is told otherwise.
MOTION = Reframe().motion


@dataclass(frozen=True, slots=True)
class Took:
    """A camera's way through one subject.

    Attributes:
        shots: for each frame.
        path: the same as arrays.
        camera_ms: CPU time of the camera alone, for each frame.
    """

    shots: tuple[Shot, ...]
    path: Path
    camera_ms: float


def camera(method: Method) -> Camera:
    """That of the stage with its default settings, at its start."""
    return Reframe(method=method).camera()


def best(subject: Subject, aspect: float) -> Took:
    """The path of least cost, for one who knows the whole clip."""
    field = field_of(subject, aspect)
    began_s = time.process_time()
    shots = best_path(field, targets(subject), MOTION)
    took_s = time.process_time() - began_s
    path = path_of(field, subject, shots)
    return Took(tuple(shots), path, 1000 * took_s / len(shots))


def cost_of(shots: Sequence[Shot], subject: Subject, aspect: float) -> float:
    """What a path costs, by the measure that the optimum makes least."""
    return cost(field_of(subject, aspect), targets(subject), shots, MOTION)


def field_of(subject: Subject, aspect: float) -> Field:
    """Where a camera may look: the whole picture."""
    width, height = subject.size_px
    return Field(Rect(0.0, 0.0, float(width), float(height)), aspect)


def targets(subject: Subject) -> list[Target]:
    """What should be shown of it: its middle in the middle, at the largest size.

    Where it is not seen, the last place stays, as it does when a subject is lost for a moment.
    """
    found: list[Target] = []
    last = subject.seen[~np.isnan(subject.seen[:, 0])][0]
    for at_ns, box in zip(subject.times_ns.tolist(), subject.seen, strict=True):
        last = last if np.isnan(box[0]) else box
        left, top, right, bottom = map(float, last)
        middle = (left + right) / 2, (top + bottom) / 2
        found.append(Target(at_ns, *middle, Rect(left, top, right, bottom)))
    return found


def follow(camera: Camera, subject: Subject, aspect: float, lookahead_s: float = 0.0) -> Took:
    """The path of a camera that knows, at each frame, those up to `lookahead_s` later."""
    field = field_of(subject, aspect)
    wanted = targets(subject)
    shots: list[Shot] = []
    known, lookahead_ns = 0, round(lookahead_s * NS_PER_S)
    began_s = time.process_time()
    for each in wanted:
        while known < len(wanted) and wanted[known].pts_ns <= each.pts_ns + lookahead_ns:
            camera.see(field, wanted[known])
            known += 1
        shots.append(camera.at(each.pts_ns))
    took_s = time.process_time() - began_s
    path = path_of(field, subject, shots)
    return Took(tuple(shots), path, 1000 * took_s / len(wanted))


def path_of(field: Field, subject: Subject, shots: Sequence[Shot]) -> Path:
    """Shots, one for each frame of a subject, as arrays."""
    views = [(s.view.left, s.view.top, s.view.right, s.view.bottom) for s in shots]
    return Path(
        subject.times_ns / NS_PER_S,
        np.array(views),
        np.array([shot.cut for shot in shots]),
        field.widest,
        (field.area.width > field.widest + 1, field.area.height > field.highest + 1),
    )
