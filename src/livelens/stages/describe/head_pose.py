"""How a head is turned: yaw, pitch and roll, from 468 points on the face.

The points of the mesh that hardly move with the expression are laid over a mean face by the
rotation that fits best (Kabsch, "A solution for the best rotation to relate two sets of
vectors", 1976; the scale does not matter). The mean face is the mean of the same network's
meshes over 368 near-frontal photographs of the zoo's clips `face-photographs` and `faces`,
made symmetric, its pitch such that half of them look up: what a network draws systematically
wrong in depth is wrong in the mean as well, and falls out.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.models.runner import Precision, RuntimeName
from livelens.stages.describe.mesh import FaceMesh, Fit

# Index of a point of the mesh, of its mirror image, and where the former is in the mean face:
# x right, y down, z away, in units of the points' spread. Points of the middle mirror themselves.
_MEAN = (
    (33, 263, -0.805, -0.124, 0.071),
    (133, 362, -0.311, -0.099, -0.022),
    (168, 168, 0.0, -0.194, -0.319),
    (6, 6, 0.0, -0.063, -0.395),
    (197, 197, 0.0, 0.056, -0.483),
    (195, 195, 0.0, 0.166, -0.580),
    (5, 5, 0.0, 0.284, -0.679),
    (4, 4, 0.0, 0.426, -0.719),
    (1, 1, 0.0, 0.533, -0.679),
    (2, 2, 0.0, 0.637, -0.401),
    (98, 327, -0.318, 0.598, -0.258),
    (10, 10, 0.0, -0.953, -0.247),
    (151, 151, 0.0, -0.707, -0.308),
    (9, 9, 0.0, -0.458, -0.352),
    (8, 8, 0.0, -0.318, -0.327),
    (67, 297, -0.623, -0.902, -0.107),
    (103, 332, -0.882, -0.809, 0.089),
    (127, 356, -1.217, -0.053, 0.950),
    (234, 454, -1.204, 0.174, 1.036),
    (93, 323, -1.192, 0.406, 1.051),
    (117, 346, -0.932, 0.153, 0.077),
    (50, 280, -0.864, 0.407, -0.025),
    (205, 425, -0.716, 0.545, -0.117),
)

# The network draws half of a face that is turned further by guess.
_SURE_DEG = 30.0
_UNSURE_DEG = 90.0


def _mean_face() -> tuple[list[int], NDArray[np.float64]]:
    places: dict[int, tuple[float, float, float]] = {}
    for index, mirrored, x, y, z in _MEAN:
        places[index] = (x, y, z)
        places[mirrored] = (-x, y, z)
    return list(places), np.array(list(places.values()))


_INDICES, _FACE = _mean_face()


class HeadPose(DescriptorSpec, frozen=True, kw_only=True):
    """Tells `yaw`, `pitch` and `roll` of faces, in degrees, all 0 for one that faces the camera.

    Yaw grows as the face turns to the right of the picture, pitch as it looks up, roll as it
    leans clockwise in the picture.

    Attributes:
        runtime: what runs the model, `auto` chooses.
        device: where it runs.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("yaw", "pitch", "roll")
    describes: ClassVar[tuple[str, ...]] = ("face",)
    models: ClassVar[tuple[str, ...]] = ("face-mesh",)

    refresh_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0
    window_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.3
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def open(self) -> "HeadPoseDescriptor":
        """Load the network and warm it up.

        Raises:
            ModelError: the network cannot be had or loaded.
        """
        from livelens.models import zoo

        network = zoo.network(
            "face-mesh",
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        return HeadPoseDescriptor(FaceMesh(network))


class HeadPoseDescriptor:
    """Measures how heads are turned.

    Args:
        mesh: finds the points; closed with the descriptor.
    """

    def __init__(self, mesh: FaceMesh) -> None:
        self._mesh = mesh

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """Three angles for every face, in order; nothing where no face can be seen."""
        return [{} if fit is None else _readings(fit) for fit in self._mesh(crops)]

    def close(self) -> None:
        """Free the network."""
        self._mesh.close()


def _readings(fit: Fit) -> Description:
    yaw, pitch, roll = angles_deg(fit.points)
    turned = np.hypot(yaw, pitch)
    sure = float(np.interp(turned, [_SURE_DEG, _UNSURE_DEG], [1.0, 0.2]))
    score = fit.score * sure
    return {
        name: Reading(float(value), score)
        for name, value in (("yaw", yaw), ("pitch", pitch), ("roll", roll))
    }


def angles_deg(points: NDArray[np.floating]) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a mesh.

    Args:
        points: (468, 3) or more; x right, y down, z away from the camera, in one scale.
    """
    seen = points[_INDICES]
    spread = (seen - seen.mean(axis=0)).T @ (_FACE - _FACE.mean(axis=0))
    left, _, right = np.linalg.svd(spread)
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ proper @ right
    # turn = roll about z, then yaw about y, then pitch about x, the head's own axes last.
    yaw = np.arctan2(turn[2, 0], np.hypot(turn[0, 0], turn[1, 0]))
    pitch = -np.arctan2(turn[2, 1], turn[2, 2])
    roll = np.arctan2(turn[1, 0], turn[0, 0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
