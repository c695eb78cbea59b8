"""The face network that we draw ourselves, against what the package's own program computes."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from livelens.errors import ModelError
from livelens.models import faceapi, fetch, zoo
from livelens.models.manifest import PackageFile
from livelens.models.tfjs import read_weights

from .packages import wheel

MANIFEST = "face_recognition_model-weights_manifest.json"
# What FaceRecognitionNet of the package answers to `picture()`, run in Node.js, and the sum
# of all 128 numbers.
EXPECTED = (-0.04747, 0.14913, 0.04449, -0.08551, -0.1072, -0.00022, -0.05919, 0.01729,
            0.14969, -0.04772, 0.21991, -0.00688)  # fmt: skip
EXPECTED_SUM = -0.35918


@pytest.fixture(scope="module")
def weights() -> Path:
    """The folder of the package's files."""
    return zoo.pull("face-dlib").parent


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Waves: (150, 150, 3)."""
    y, x = np.mgrid[0:150, 0:150]
    waves = (127 + 100 * np.sin(x / 9 + y / 23), 127 + 100 * np.cos(y / 13), (x * y) % 256)
    return np.stack(waves, -1).astype(np.uint8)


def test_the_graph_computes_what_the_original_does() -> None:
    network = zoo.network("face-dlib", precision="f32", threads=1)
    (embedding,) = network([picture()])
    network.close()
    assert embedding.shape == (1, 128)
    assert embedding[0, : len(EXPECTED)] == pytest.approx(EXPECTED, abs=2e-5)
    assert embedding.sum() == pytest.approx(EXPECTED_SUM, abs=2e-4)


def test_faces_of_a_batch_do_not_mix() -> None:
    network = zoo.network("face-dlib", precision="f32", threads=1)
    other = picture()[::-1].copy()
    (both,) = network([picture(), other])
    (alone,) = network([other])
    network.close()
    assert both[1] == pytest.approx(alone[0], abs=1e-6)
    assert np.abs(both[0] - both[1]).max() > 0.05


def test_weights_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    groups = json.loads((weights / MANIFEST).read_text())
    groups[0]["weights"][0]["name"] = "entry_flow/conv_in/filters"
    (tmp_path / "other.json").write_text(json.dumps(groups))
    shutil.copy(weights / "face_recognition_model.bin", tmp_path)
    with pytest.raises(ModelError, match=r"other\.json holds no face recognition network"):
        faceapi.convert(tmp_path / "other.json", tmp_path / "model.onnx", size_px=150)


def test_cut_off_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    shutil.copy(weights / MANIFEST, tmp_path)
    data = (weights / "face_recognition_model.bin").read_bytes()
    (tmp_path / "face_recognition_model.bin").write_bytes(data[:-100])
    with pytest.raises(ModelError, match="weights manifest"):
        read_weights(tmp_path / MANIFEST)


def test_an_archive_can_be_kept_as_it_is(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = wheel(tmp_path)
    monkeypatch.setenv("LIVELENS_MIRROR", str(tmp_path))
    whole = PackageFile(path=package.archive, size=package.size, sha256=package.sha256)
    folder = fetch.fetch("whole", msgspec.structs.replace(package, files=(whole,)))
    assert (folder / package.archive).read_bytes() == (tmp_path / package.archive).read_bytes()
    assert folder.is_relative_to(cache)
