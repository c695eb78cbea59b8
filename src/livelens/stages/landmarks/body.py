"""Bodies: 33 points of a person.

Sources: Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking", 2020; Xu et
al., "GHUM & GHUML", 2020, for the points in metres. The networks are MediaPipe's.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livelens.stages.landmarks.part import Reading, sigmoid
from livelens.stages.landmarks.region import Points, Region, angle_up, turned
from livelens.stages.landmarks.search import found_in
from livelens.types import Frame

if TYPE_CHECKING:
    from livelens.models.detector import Detector
    from livelens.models.network import Network

POINTS = 33
NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP = 0, 11, 12, 23, 24
MOUTH, EYES, EARS = (9, 10), (2, 5), (7, 8)
LEFT_WRIST, RIGHT_WRIST = 15, 16
# Knuckles of the little and the index finger, by wrist.
KNUCKLES = {LEFT_WRIST: (17, 19), RIGHT_WRIST: (18, 20)}

# The network has six points more; these two span the region of the next frame: the middle of
# the hips, and a point on the circle about it that holds the whole person.
_CENTRE, _RIM = 33, 34
_ROOM = 1.25
_REACH = 3
_LEAST_HEAT = 0.5


def region_of(centre: Points, rim: Points) -> Region:
    """The region of a body, from its hips and a point on the circle about it."""
    radius = float(np.hypot(*(rim - centre)[:2]))
    return Region(float(centre[0]), float(centre[1]), 2 * radius * _ROOM, angle_up(centre, rim))


def shoulder_width(points: Points) -> float:
    """Distance of the shoulders of a body (33, 3), in pixels of the frame."""
    return float(np.hypot(*(points[LEFT_SHOULDER] - points[RIGHT_SHOULDER])[:2]))


class BodyReader:
    """Finds bodies in frames and reads their points.

    Args:
        detector: of bodies, with hips and rim as its first two keypoints; None never finds.
        network: of the points.
    """

    def __init__(self, network: "Network", detector: "Detector | None" = None) -> None:
        self._network = network
        self._detector = detector
        self._side = network.input_size_px[0]

    def find(self, frame: Frame) -> list[Region]:
        """Where bodies are, best first."""
        return [region_of(each[0], each[1]) for _, each in found_in(frame, self._detector)]

    def read(self, frame: Frame, region: Region) -> Reading:
        """The points of the body in a region."""
        outputs = self._network([region.cut(frame, self._side)])
        flat, score, heat, world = _outputs(outputs)
        raw = flat.reshape(-1, 5)
        points = raw[:, :3].copy()
        points[:, :2] = refined(points[:, :2] / self._side, heat) * self._side
        placed = region.to_frame(points, self._side)
        metres = world.reshape(-1, 3)[:POINTS].copy()
        metres[:, :2] = turned(metres[:, :2], region.angle)
        return Reading(
            points=placed[:POINTS],
            score=score,
            region=region_of(placed[_CENTRE], placed[_RIM]),
            visibility=sigmoid(raw[:POINTS, 3]),
            world=metres,
        )

    def close(self) -> None:
        """Free the networks."""
        self._network.close()
        if self._detector is not None:
            self._detector.close()


def _outputs(outputs: list[Points]) -> tuple[Points, float, Points, Points]:
    """Points, score, heat maps and metres: told apart by their shapes."""
    by_size = {output[0].size: output[0] for output in outputs}
    heat = next(output[0] for output in outputs if output.ndim == 4 and output.shape[3] == 39)
    return by_size[195], float(by_size[1].reshape(-1)[0]), heat, by_size[117]


def refined(points: NDArray[np.floating], heat: Points) -> Points:
    """Points moved to the centre of heat about them.

    Args:
        points: (n, 2) in parts of the input.
        heat: (h, w, n) logits.

    Returns:
        (n, 2); as they were where the map is cold.
    """
    height, width, count = heat.shape
    columns, rows = (points[:count] * (width, height)).astype(int).T
    known = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    steps = np.arange(-_REACH, _REACH + 1)
    xs = columns[:, None, None] + steps[None, None, :]
    ys = rows[:, None, None] + steps[None, :, None]
    inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    each = np.arange(count)[:, None, None]
    window = sigmoid(heat[ys.clip(0, height - 1), xs.clip(0, width - 1), each]) * inside
    warm = known & (window.max(axis=(1, 2)) >= _LEAST_HEAT)
    total = np.maximum(window.sum(axis=(1, 2)), 1e-9)
    middle = np.stack([(window * xs).sum((1, 2)), (window * ys).sum((1, 2))], axis=1)
    moved = points.astype(np.float32)
    moved[:count][warm] = (middle / total[:, None] / (width, height))[warm]
    return moved
