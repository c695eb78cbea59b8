"""The benches of faces: boxes matched by hand, ages and poses from photographs of the zoo."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from livelens.bench.perception import face, gender_age, head_pose
from livelens.bench.perception.gender_age import Case
from livelens.bench.report import CannotMeasure
from tests.stages.describe import faces

XML = """<?xml version='1.0'?><dataset><images>
<image file='some/where/multi_face.jpg'>{boxes}</image>
<image file='absent.jpg'><box top='1' left='1' width='9' height='9'/></image>
</images></dataset>"""


def box(left: float, top: float, right: float, bottom: float, more: str = "") -> str:
    size = f"width='{right - left:.0f}' height='{bottom - top:.0f}'"
    return f"<box left='{left:.0f}' top='{top:.0f}' {size} {more}/>"


def test_a_face_is_found_once() -> None:
    truth = np.array([[0, 0, 10, 10], [100, 0, 110, 10]], np.float32)
    found = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [50, 50, 60, 60]], np.float32)
    assert face.matches(truth, found) == [1.0]
    assert face.matches(truth, found[:0]) == []
    half = np.array([[100, 0, 110, 5]], np.float32)
    assert face.matches(truth, half) == [0.5]
    assert face.matches(truth, np.array([[100, 0, 110, 3]], np.float32)) == []


def test_boxes_of_imglab_files(tmp_path: Path) -> None:
    picture = faces.photograph("multi_face.jpg")
    cv2.imwrite(str(tmp_path / "multi_face.jpg"), picture)
    boxes = [crop.box for crop in faces.crops(picture)]
    once = "".join(box(*each) for each in boxes) + box(0, 0, 9, 9, "ignore='1'")
    (tmp_path / "a.xml").write_text(XML.format(boxes=once))
    again = "".join(box(left + 1, top, right, bottom) for left, top, right, bottom in boxes)
    (tmp_path / "b.xml").write_text(XML.format(boxes=again))
    (truth,) = face.annotated(tmp_path).values()
    assert truth.shape == (5, 4)


def test_the_detectors_on_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "boxes"
    folder.mkdir(parents=True)
    picture = faces.photograph("multi_face.jpg")
    cv2.imwrite(str(folder / "multi_face.jpg"), picture)
    boxes = "".join(box(*crop.box) for crop in faces.crops(picture)[1:]) + box(0, 0, 50, 50)
    (folder / "some.xml").write_text(XML.format(boxes=boxes))
    rows = list(face.measure(tmp_path))
    told = {(row["model"], f"{row['dataset']}/{row['metric']}"): row["value"] for row in rows}
    # One of the five has no box of its own, and one box has no face.
    assert told["face", "boxes/recall"] == pytest.approx(0.8)
    assert told["face", "boxes/false"] == 1
    assert told["face", "multi_face/found"] == 5
    assert {row["model"] for row in rows} == {"face", "face-centerface", "face-blaze"}


def test_shares_and_errors() -> None:
    cases = [
        Case(20, "male", 25.0, "male"),
        Case(40, "female", 30.0, "male"),
        Case(60, "female", None, None),
        Case(5, "male", 6.0, "male"),
    ]
    genders = values(gender_age.gender_rows(cases))
    assert genders["accuracy_12_80"] == pytest.approx(1 / 3)
    assert genders["accuracy_0_120"] == 0.5
    assert genders["accuracy_12_80_female"] == 0
    ages = values(gender_age.age_rows(cases))
    assert (ages["mae_18_70"], ages["bias_18_70"]) == (7.5, -2.5)
    assert ages["told"] == 0.75


def test_pictures_named_by_age_and_gender(tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "age_gender"
    folder.mkdir(parents=True)
    picture = faces.photograph("single_face.jpg")
    cv2.imwrite(str(folder / "25_0_2_1.jpg"), picture)
    cv2.imwrite(str(folder / "25_1_2_1.jpg"), picture)
    (folder / "notes.txt").write_text("no picture")
    rows = values(gender_age.measure(tmp_path))
    assert rows["accuracy_12_80"] == 0.5
    assert rows["mae_18_70"] < 10


def test_pictures_named_by_pose(tmp_path: Path) -> None:
    folder = tmp_path / "faces" / "pose"
    folder.mkdir(parents=True)
    picture = faces.photograph("single_face.jpg")
    cv2.imwrite(str(folder / "right_wryneck.png"), faces.turned(picture, 40))
    cv2.imwrite(str(folder / "lower_face.png"), picture)
    rows = values(head_pose.measure(tmp_path))
    assert rows["signs"] == 0.5
    assert rows["yaw_frontal_deg"] < 8
    assert rows["pitch_frontal_deg"] < 8


@pytest.mark.parametrize("task", [face, gender_age, head_pose])
def test_missing_data_is_said(task: object, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure):
        list(task.measure(tmp_path))  # type: ignore[attr-defined]


def values(rows: object) -> Mapping[str, float]:
    return {row["metric"]: row["value"] for row in rows}  # type: ignore[attr-defined]
