"""Subjects that move in known ways, for tests of cameras."""

from collections.abc import Callable, Sequence

from livelens.framing.camera import Camera
from livelens.framing.geometry import Field, Rect, Shot, Target

FIELD = Field(Rect(0.0, 0.0, 640.0, 360.0), 9 / 16)
NS = 1_000_000_000


def target(
    pts_s: float,
    x: float,
    y: float = 180.0,
    *,
    size: float = 1.0,
    width: float = 60.0,
    cut: bool = False,
) -> Target:
    """A subject 60 pixels wide and 150 high."""
    keep = Rect(x - width / 2, y - 75, x + width / 2, y + 75)
    return Target(round(pts_s * NS), x, y, keep, size, cut)


def moving(way: Callable[[float], float], lasts_s: float, fps: float = 30.0) -> list[Target]:
    """A subject whose x is a function of the time in seconds."""
    return [target(i / fps, way(i / fps)) for i in range(round(lasts_s * fps))]


def filmed(
    camera: Camera, targets: Sequence[Target], lookahead_s: float = 0.0, field: Field = FIELD
) -> list[Shot]:
    """What a camera shows that sees so far ahead."""
    shots, seen = [], 0
    for each in targets:
        while seen < len(targets) and targets[seen].pts_ns <= each.pts_ns + lookahead_s * NS:
            camera.see(field, targets[seen])
            seen += 1
        shots.append(camera.at(each.pts_ns))
    return shots
