"""How heads are turned, on photographs."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from livelens.picture import Pixels
from livelens.stages.describe.head_pose import _MEAN, HeadPose, HeadPoseDescriptor, angles_deg
from tests.stages.describe import faces


@pytest.fixture(scope="module")
def descriptor() -> Iterator[HeadPoseDescriptor]:
    opened = HeadPose(precision="f32").open()
    yield opened
    opened.close()


def told(descriptor: HeadPoseDescriptor, picture: Pixels) -> Mapping[str, float]:
    (description,) = descriptor.describe(faces.crops(picture))
    assert tuple(description) == HeadPose.measures
    assert all(0 < reading.score <= 1 for reading in description.values())
    return {name: reading.value for name, reading in description.items()}  # type: ignore[misc]


def test_a_face_seen_from_the_front(descriptor: HeadPoseDescriptor) -> None:
    angles = told(descriptor, faces.photograph("single_face.jpg"))
    assert all(abs(angle) < 10 for angle in angles.values())


@pytest.mark.parametrize("degrees", [-40, 40])
def test_roll_follows_the_picture(descriptor: HeadPoseDescriptor, degrees: float) -> None:
    picture = faces.photograph("single_face.jpg")
    upright = told(descriptor, picture)
    leaning = told(descriptor, faces.turned(picture, degrees))
    assert leaning["roll"] - upright["roll"] == pytest.approx(degrees, abs=5)
    assert leaning["yaw"] == pytest.approx(upright["yaw"], abs=6)
    assert leaning["pitch"] == pytest.approx(upright["pitch"], abs=6)


def test_a_mirror_changes_the_signs_of_yaw_and_roll(descriptor: HeadPoseDescriptor) -> None:
    picture = faces.turned(faces.photograph("single_face.jpg"), 20)
    seen, mirrored = told(descriptor, picture), told(descriptor, picture[:, ::-1].copy())
    assert mirrored["yaw"] == pytest.approx(-seen["yaw"], abs=4)
    assert mirrored["roll"] == pytest.approx(-seen["roll"], abs=4)
    assert mirrored["pitch"] == pytest.approx(seen["pitch"], abs=4)


@pytest.mark.parametrize(
    ("axis", "named"), [("x", (0, 25, 0)), ("y", (25, 0, 0)), ("z", (0, 0, 25))]
)
def test_signs(axis: str, named: tuple[float, float, float]) -> None:
    """A face turned to the picture's right, looking up, leaning clockwise: all positive."""
    cos, sin = np.cos(np.radians(25)), np.sin(np.radians(25))
    rotation = {
        "x": np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]]),
        "y": np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]),
        "z": np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]),
    }[axis]
    nose_before = np.array([0.0, 0.0, -1.0])
    nose = rotation @ nose_before
    if axis == "x":
        assert nose[1] < 0  # up in the picture
    if axis == "y":
        assert nose[0] > 0  # right in the picture
    points = _mean_mesh() @ rotation.T * 80 + 200
    assert angles_deg(points) == pytest.approx(named, abs=0.5)


def test_what_is_no_face_is_not_told_and_nothing_fails(descriptor: HeadPoseDescriptor) -> None:
    odd = faces.odd_crops()
    described = descriptor.describe(odd)
    assert len(described) == len(odd)
    assert described[0] == {}
    for description in described:
        assert all(np.isfinite(float(r.value)) for r in description.values())  # type: ignore[arg-type]
    assert descriptor.describe([]) == []


def test_keypoints_are_no_must(descriptor: HeadPoseDescriptor) -> None:
    picture = faces.photograph("single_face.jpg")
    (bare,) = descriptor.describe(faces.crops(picture, keypoints=False))
    with_points = told(descriptor, picture)
    for name, angle in with_points.items():
        assert bare[name].value == pytest.approx(angle, abs=6)


def _mean_mesh() -> NDArray[np.float64]:
    mesh = np.zeros((468, 3))
    for index, mirrored, x, y, z in _MEAN:
        mesh[index], mesh[mirrored] = (x, y, z), (-x, y, z)
    return mesh
