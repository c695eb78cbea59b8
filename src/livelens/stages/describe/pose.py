"""The pose of each person: 33 points, whether he stands, sits or lies, and raised hands.

Source of the points: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking",
2020. What follows from them is plain geometry, told only where the points it needs are seen.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.stages.landmarks.body import (
    LEFT_HIP,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NOSE,
    RIGHT_HIP,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    BodyReader,
)
from livelens.stages.landmarks.part import Reading as Body
from livelens.stages.landmarks.region import Region

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]

_KNEES, _ANKLES = (25, 26), (27, 28)
_HIPS, _SHOULDERS = (LEFT_HIP, RIGHT_HIP), (LEFT_SHOULDER, RIGHT_SHOULDER)
# A person's box grown to hold him with arms and legs stretched, as the network expects him.
_ROOM = 1.25
# A body is the box's own if at least this share of its visible points lies in the box, or
# beside it by this part of its longer side.
_SEEN, _FEWEST_POINTS, _MOST, _BESIDE = 0.5, 5, 0.8, 0.1
_LYING_DEGREES = 60.0
_STANDING_THIGH, _STANDING_KNEE = 40.0, 140.0
_SITTING_THIGH, _SITTING_KNEE = 50.0, (65.0, 130.0)


class Pose(DescriptorSpec, frozen=True, kw_only=True):
    """Measures `pose`, `posture` and `hands_raised` of persons.

    Attributes:
        body_model: `full` is finer than `lite` and takes half as long again.
        presence: least score at which a body is taken for one.
        visibility: `posture` and `hands_raised` rest on points that are seen at least so well.
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("pose", "posture", "hands_raised")
    describes: ClassVar[tuple[str, ...]] = ("person",)
    models: ClassVar[tuple[str, ...]] = ("body-points",)

    refresh_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    window_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    min_size_px: Annotated[int, msgspec.Meta(ge=1, le=10000)] = 32
    body_model: Literal["lite", "full"] = "lite"
    presence: Ratio = 0.5
    visibility: Ratio = 0.5
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "PoseDescriptor":
        """Load the model and warm it up.

        Raises:
            ModelError: the model cannot be had or loaded.
        """
        from livelens.models import zoo

        network = zoo.network(
            "body-points" if self.body_model == "lite" else "body-points-full",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        return PoseDescriptor(BodyReader(network), self.presence, self.visibility)


class PoseDescriptor:
    """Measures poses.

    Args:
        reader: of the points; closed with the descriptor.
        presence, visibility: as in `Pose`.
    """

    def __init__(self, reader: BodyReader, presence: float, visibility: float) -> None:
        self._reader = reader
        self._presence = presence
        self._visibility = visibility

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """One description each; empty where no body is seen in the box."""
        return [self._described(crop) for crop in crops]

    def close(self) -> None:
        """Free the model."""
        self._reader.close()

    def _described(self, crop: Crop) -> Description:
        body = self._read(crop)
        if body is None:
            return {}
        assert body.visibility is not None
        points = np.column_stack([body.points[:, :2], body.visibility])
        told = {"pose": Reading([[round(float(v), 2) for v in row] for row in points], body.score)}
        shown = seen(body, crop.frame.size_px)
        for name, word in (
            ("posture", posture(body, shown, self._visibility)),
            ("hands_raised", hands_raised(body, shown, self._visibility)),
        ):
            if word is not None:
                told[name] = Reading(word, body.score)
        return told

    def _read(self, crop: Crop) -> Body | None:
        for region in guesses(crop.box):
            body = self._reader.read(crop.frame, region)
            if body.score < self._presence or not body.region.sound:
                continue
            # The first look finds the hips, the second is centred on them and turned upright.
            body = self._reader.read(crop.frame, body.region)
            if body.score >= self._presence and is_inside(body, crop.box, crop.frame.size_px):
                return body
        return None


def guesses(box: tuple[float, float, float, float]) -> tuple[Region, Region]:
    """Where a person's body may be, by his box: all of it inside, or cut off at the hips."""
    left, top, right, bottom = box
    middle, longer = (left + right) / 2, max(right - left, bottom - top)
    return (
        Region(middle, (top + bottom) / 2, _ROOM * longer),
        Region(middle, bottom, 2 * _ROOM * (bottom - top)),
    )


def is_inside(body: Body, box: tuple[float, float, float, float], size_px: tuple[int, int]) -> bool:
    """Whether most of what is seen of a body lies in the box: else it is a neighbour's."""
    shown = seen(body, size_px) >= _SEEN
    if shown.sum() < _FEWEST_POINTS:
        return False
    low, high = np.array(box[:2]), np.array(box[2:])
    room = _BESIDE * (high - low).max()
    flat = body.points[shown, :2]
    inside = ((flat > low - room) & (flat < high + room)).all(axis=1)
    return bool(inside.mean() >= _MOST)


def seen(body: Body, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """(33,) visibility, 0 for what the frame does not show."""
    flat = body.points[:, :2]
    inside = ((flat >= 0) & (flat < np.array(size_px))).all(axis=1)
    assert body.visibility is not None
    return np.where(inside, body.visibility, np.float32(0))


def posture(body: Body, shown: NDArray[np.float32], visibility: float = 0.5) -> str | None:
    """``standing``, ``sitting`` or ``lying``; None where it cannot be told, or is none of them.

    Lying is told by the trunk, in the picture: that takes an upright camera. Standing and
    sitting are told by the angles of thighs and knees in space.

    Args:
        body: the points, in space too.
        shown: (33,) visibility.
        visibility: what is seen less well tells nothing.
    """
    world = body.world
    if world is None or min(shown[[*_SHOULDERS, *_HIPS]]) < visibility:
        return None
    trunk = body.points[list(_SHOULDERS), :2].mean(0) - body.points[list(_HIPS), :2].mean(0)
    if _degrees(trunk, np.array([0.0, -1.0])) > _LYING_DEGREES:
        return "lying"
    down = np.array([0.0, 1.0, 0.0])
    thighs, bends = [], []
    for hip, knee, ankle in zip(_HIPS, _KNEES, _ANKLES, strict=True):
        if shown[knee] < visibility:
            continue
        thighs.append(_degrees(world[knee] - world[hip], down))
        if shown[ankle] >= visibility:
            bends.append(_degrees(world[hip] - world[knee], world[ankle] - world[knee]))
    if not bends:
        return None
    if min(thighs) > _SITTING_THIGH and _SITTING_KNEE[0] < max(bends) < _SITTING_KNEE[1]:
        return "sitting"
    if min(thighs) < _STANDING_THIGH and max(bends) > _STANDING_KNEE:
        return "standing"
    return None


def hands_raised(body: Body, shown: NDArray[np.float32], visibility: float = 0.5) -> str | None:
    """``none``, ``left``, ``right`` or ``both`` hands above the nose; None if it cannot be told.

    Args:
        body: the points.
        shown: (33,) visibility.
        visibility: what is seen less well tells nothing.
    """
    if shown[NOSE] < visibility or body.points[NOSE, 1] > body.points[list(_SHOULDERS), 1].max():
        return None  # a head that hangs, or a body that the network made up of a large face
    known = shown[[LEFT_WRIST, RIGHT_WRIST]] >= visibility
    above = known & (body.points[[LEFT_WRIST, RIGHT_WRIST], 1] < body.points[NOSE, 1])
    if above.all():
        return "both"
    if above.any():
        return "left" if above[0] else "right"
    return "none" if known.all() else None


def _degrees(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    cosine = float(np.dot(one, other)) / max(lengths, 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
