"""Hands: 21 points each, and which hand it is.

Source: Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking", 2020. The
networks are MediaPipe's.
"""

from typing import TYPE_CHECKING

import numpy as np

from livelens.stages.landmarks.body import KNUCKLES
from livelens.stages.landmarks.part import Reading
from livelens.stages.landmarks.region import Points, Region, angle_up, around, turned
from livelens.stages.landmarks.search import found_in
from livelens.types import Frame

if TYPE_CHECKING:
    from livelens.models.detector import Detector
    from livelens.models.network import Network

POINTS = 21
WRIST, INDEX_MIDDLE, MIDDLE_MIDDLE, RING_MIDDLE = 0, 6, 10, 14
# Wrist, thumb's root, and the first two joints of each finger: what does not wave about.
_STEADY = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
# Keypoints of a palm.
_PALM_WRIST, _PALM_MIDDLE = 0, 2


def region_of_palm(box: Points, keypoints: Points) -> Region:
    """The region of a hand, from a palm's box (4,) and keypoints (7, 2)."""
    angle = angle_up(keypoints[_PALM_WRIST], keypoints[_PALM_MIDDLE])
    side = float(max(box[2] - box[0], box[3] - box[1]))
    middle = (box[:2] + box[2:]) / 2
    up = turned(np.array([[0, -0.5 * side]], np.float32), angle)[0]
    return Region(float(middle[0] + up[0]), float(middle[1] + up[1]), 2.6 * side, angle)


def region_of_hand(points: Points) -> Region:
    """The region of a hand in the next frame, from its points (21, 3) in this one."""
    outer = (points[INDEX_MIDDLE] + points[RING_MIDDLE]) / 2
    angle = angle_up(points[WRIST], (outer + points[MIDDLE_MIDDLE]) / 2)
    return around(points[_STEADY], angle, scale=2.0, up=0.1)


def region_at_wrist(body: Points, wrist: int) -> Region:
    """Where a body's points (33, 3) say that a hand is."""
    little, index = (body[each] for each in KNUCKLES[wrist])
    middle = (2 * index + little) / 3
    reach = float(np.hypot(*(middle - body[wrist])[:2]))
    angle = angle_up(body[wrist], middle)
    up = turned(np.array([[0, -0.2 * reach]], np.float32), angle)[0]
    return Region(float(middle[0] + up[0]), float(middle[1] + up[1]), 2 * 2.7 * reach, angle)


class HandReader:
    """Finds hands in frames and reads their points.

    Args:
        detector: of palms.
        network: of the points.
        presence: least score of a reading that is worth a second look.
    """

    def __init__(
        self, network: "Network", detector: "Detector | None" = None, presence: float = 0.5
    ) -> None:
        self._network = network
        self._detector = detector
        self._presence = presence
        self._side = network.input_size_px[0]

    def find(self, frame: Frame) -> list[Region]:
        """Where hands are in the whole frame, best first."""
        return [region_of_palm(*each) for each in found_in(frame, self._detector)]

    def find_near(self, frame: Frame, guess: Region) -> Region | None:
        """The hand at about `guess`: what its points say, or else a palm close by."""
        reading = self.read(frame, guess)
        if reading.score >= self._presence:
            return reading.region
        if self._detector is None:
            return None
        wide = Region(guess.x, guess.y, 1.6 * guess.size)
        side = self._detector.input_size_px[0]
        (found,) = self._detector([wide.cut(frame, side)])
        if not len(found):
            return None
        box = wide.to_frame(np.asarray(found.xyxy[0], np.float32).reshape(2, 2), side).reshape(4)
        points = wide.to_frame(np.asarray(found.data["keypoints"][0], np.float32), side)
        return region_of_palm(box, points)

    def read(self, frame: Frame, region: Region) -> Reading:
        """The points of the hand in a region."""
        flat, score, right, world = _outputs(self._network([region.cut(frame, self._side)]))
        points = region.to_frame(flat.reshape(POINTS, 3), self._side)
        metres = world.reshape(POINTS, 3).copy()
        metres[:, :2] = turned(metres[:, :2], region.angle)
        return Reading(
            points=points,
            score=score,
            region=region_of_hand(points),
            world=metres,
            left=1 - right,
        )

    def close(self) -> None:
        """Free the networks."""
        self._network.close()
        if self._detector is not None:
            self._detector.close()


def _outputs(outputs: list[Points]) -> tuple[Points, float, float, Points]:
    """Points, score, handedness and metres, as the file lists them."""
    points, score, right, world = (output[0].reshape(-1) for output in outputs)
    return points, float(score[0]), float(right[0]), world
