"""Reading portraits from a folder."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from livelens.errors import ConfigError
from livelens.models import zoo
from livelens.stages.describe.glasses import BAND_PX
from livelens.train.portraits import read


def untold(what: str, done: int, total: int) -> None:
    """Says nothing."""


def test_faces_are_found_and_measured(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    shutil.copy(zoo.clip("faces").parent / "single_face.jpg", tmp_path / "none" / "a.jpg")
    (tmp_path / "none" / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "none" / "notes.txt").write_text("no picture either")
    (portrait,) = read(tmp_path, untold)
    assert portrait.label == 0
    # The middle between the eyes is where both the band and the mesh have it.
    middle = portrait.band[:, :2] @ portrait.head.middle + portrait.band[:, 2]
    assert np.abs(middle - [BAND_PX[0] / 2, 25]).max() < 6
    assert portrait.head.eye_distance_px < 120


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no pictures in"):
        read(tmp_path, untold)


def test_nobody_without_glasses(tmp_path: Path) -> None:
    (tmp_path / "glasses").mkdir()
    shutil.copy(zoo.clip("faces").parent / "single_face.jpg", tmp_path / "glasses" / "a.jpg")
    with pytest.raises(ConfigError, match="no face without glasses"):
        read(tmp_path, untold)
