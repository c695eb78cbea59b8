"""Faces: 468 points of a mesh, and 5 more on each iris.

Sources: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", 2019; Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital
Puppetry", 2020, for the irises; Bazarevsky et al., "BlazeFace", 2019, for finding faces.
The networks are MediaPipe's.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livelens.stages.landmarks.body import EARS, EYES, LEFT_SHOULDER, MOUTH, NOSE, RIGHT_SHOULDER
from livelens.stages.landmarks.part import Reading, sigmoid
from livelens.stages.landmarks.region import Points, Region, angle_right, angle_up, around
from livelens.stages.landmarks.search import found_in
from livelens.types import Frame

if TYPE_CHECKING:
    from livelens.models.detector import Detector
    from livelens.models.network import Network

POINTS = 468
POINTS_WITH_IRISES = 478
# Outer and inner corner of each eye; right and left are the person's own.
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
# The lids in the order of the iris network's first points.
RIGHT_LIDS = [33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173]
LEFT_LIDS = [263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398]
_SCALE = 1.5
_EYE_SCALE = 2.3


def region_of_face(points: Points) -> Region:
    """The region of a face in the next frame, from its mesh (468, 3) in this one."""
    angle = angle_right(points[RIGHT_EYE[0]], points[LEFT_EYE[1]])
    return around(points, angle, scale=_SCALE)


def region_of_head(body: Points) -> Region:
    """A wide region about the head of a body, from its points (33, 3)."""
    flat = body[:, :2]
    features = flat[: max(MOUTH) + 1]
    middle = features.mean(axis=0)
    ears = flat[list(EARS)]
    extents = (
        np.hypot(*(ears[0] - ears[1])),
        2 * np.hypot(*(flat[NOSE] - ears.mean(axis=0))),
        0.4 * np.hypot(*(flat[LEFT_SHOULDER] - flat[RIGHT_SHOULDER])),
    )
    angle = angle_up(flat[list(MOUTH)].mean(axis=0), flat[list(EYES)].mean(axis=0))
    return Region(float(middle[0]), float(middle[1]), 3.5 * float(max(extents)), angle)


class FaceReader:
    """Finds faces in frames and reads their points.

    Args:
        network: of the mesh.
        detector: of faces, with the eyes as its first two keypoints.
        iris: of irises; None leaves them out.
    """

    def __init__(
        self,
        network: "Network",
        detector: "Detector | None" = None,
        iris: "Network | None" = None,
    ) -> None:
        self._network = network
        self._detector = detector
        self._iris = iris
        self._side = network.input_size_px[0]

    def find(self, frame: Frame) -> list[Region]:
        """Where faces are in the whole frame, best first."""
        return [
            _region_of_box(box.reshape(2, 2), points)
            for box, points in found_in(frame, self._detector)
        ]

    def find_near(self, frame: Frame, head: Region) -> Region | None:
        """The face within a region of a head."""
        if self._detector is None or not head.sound:
            return None
        side = self._detector.input_size_px[0]
        (found,) = self._detector([head.cut(frame, side)])
        if not len(found):
            return None
        # The box stands upright in the head's region, not in the frame.
        box = around(found.xyxy[0].reshape(2, 2), 0.0, scale=_SCALE)
        points = np.asarray(found.data["keypoints"][0], np.float32)
        centre = head.to_frame(np.array([[box.x, box.y]], np.float32), side)[0]
        eyes = head.to_frame(points[:2], side)
        size = box.size * head.size / side
        return Region(float(centre[0]), float(centre[1]), size, angle_right(eyes[0], eyes[1]))

    def read(self, frame: Frame, region: Region) -> Reading:
        """The points of the face in a region."""
        mesh, score = _outputs(self._network([region.cut(frame, self._side)]))
        points = region.to_frame(mesh, self._side)
        following = region_of_face(points)
        if self._iris is not None and score >= 0.5:
            points = self._with_irises(frame, points)
        return Reading(points=points, score=score, region=following)

    def close(self) -> None:
        """Free the networks."""
        for network in (self._network, self._detector, self._iris):
            if network is not None:
                network.close()

    def _with_irises(self, frame: Frame, mesh: Points) -> Points:
        """The mesh with its lids mended, and 10 points more: the right iris, the left one."""
        assert self._iris is not None
        side = self._iris.input_size_px[0]
        eyes = (RIGHT_EYE, LEFT_EYE)
        regions = [
            around(mesh[list(eye)], angle_right(mesh[eye[0]], mesh[eye[1]]), scale=_EYE_SCALE)
            for eye in eyes
        ]
        if not all(region.sound for region in regions):
            return mesh
        pictures = [region.cut(frame, side) for region in regions]
        # The network knows one eye only: the other one looks at it in a mirror.
        pictures[1] = np.ascontiguousarray(pictures[1][:, ::-1])
        lids, irises = sorted(self._iris(pictures), key=lambda each: -each[0].size)
        mended = [mesh.copy()]
        for index, (region, places) in enumerate(
            zip(regions, (RIGHT_LIDS, LEFT_LIDS), strict=True)
        ):
            read = np.vstack([lids[index].reshape(-1, 3)[:16], irises[index].reshape(-1, 3)])
            if index == 1:
                read[:, 0] = side - read[:, 0]
            placed = region.to_frame(read.astype(np.float32), side)
            mended[0][places, :2] = placed[:16, :2]
            iris = placed[16:]
            iris[:, 2] = mesh[list(eyes[index]), 2].mean()
            mended.append(iris)
        return np.vstack(mended).astype(np.float32)


def _region_of_box(corners: NDArray[np.floating], keypoints: Points) -> Region:
    """The region of a face from its detection, in pixels of the frame."""
    upright = around(corners, 0.0, scale=_SCALE)
    return replace(upright, angle=angle_right(keypoints[0], keypoints[1]))


def _outputs(outputs: list[Points]) -> tuple[Points, float]:
    """The mesh (468, 3) in input pixels, and the score."""
    by_size = {output[0].size: output[0].reshape(-1) for output in outputs}
    return by_size[3 * POINTS].reshape(POINTS, 3), float(sigmoid(by_size[1])[0])
