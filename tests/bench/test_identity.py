"""The bench of identity: its error rate by hand, and a folder of photographs as others bring it."""

from pathlib import Path

import numpy as np
import pytest

from livelens.bench.perception import identity
from livelens.bench.report import CannotMeasure
from tests.faces.photographs import several_faces, written


@pytest.mark.parametrize(
    ("same", "different", "rate"),
    [
        ([0.9, 0.8], [0.1, 0.2, 0.3], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.4, 0.15], 0.25),
        ([0.5], [0.5], 0.5),
    ],
)
def test_the_equal_error_rate(same: list[float], different: list[float], rate: float) -> None:
    assert identity.equal_error_rate(np.array(same), np.array(different)) == pytest.approx(rate)


def test_a_folder_of_persons(tmp_path: Path) -> None:
    for person in (8, 10, 15, 35):
        folder = tmp_path / "faces" / "identity" / f"Person {person}"
        folder.mkdir(parents=True)
        for number in (1, 5, 9):
            written(folder, person, number)
        (folder / "notes.txt").write_text("not a picture")
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    written(tmp_path / "faces" / "identity", 1, 1)
    found = {str(row["metric"]): row for row in identity.measure(tmp_path)}
    assert {row["dataset"] for row in found.values()} == {"faces/identity"}
    assert found["no_face"]["n"] == 12
    assert (found["eer"]["value"], found["eer"]["n"]) == (0.0, 66)
    assert (found["false_reject"]["n"], found["false_accept"]["n"]) == (12, 54)
    assert (found["named_right"]["value"], found["named_right"]["n"]) == (1.0, 2)
    assert (found["stranger_named"]["value"], found["stranger_named"]["n"]) == (0.0, 6)


def test_the_same_photographs_under_wrong_names_are_found_out(tmp_path: Path) -> None:
    for index, person in enumerate((8, 10, 15, 35)):
        for shift, number in enumerate((1, 5)):
            folder = tmp_path / "faces" / "identity" / f"p{(index + shift) % 4}"
            folder.mkdir(parents=True, exist_ok=True)
            written(folder, person, number)
    rows = {row["metric"]: row["value"] for row in identity.measure(tmp_path)}
    assert float(str(rows["eer"])) > 0.05


def test_too_few_persons(tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "identity" / "only"
    folder.mkdir(parents=True)
    (folder / "group.jpg").write_bytes(several_faces().read_bytes())
    with pytest.raises(CannotMeasure, match="fewer than two persons"):
        list(identity.measure(tmp_path))
