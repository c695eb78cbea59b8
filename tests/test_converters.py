import json

import numpy as np
import pytest
import supervision as sv

from livelens.converters import (
    FrigateEvents,
    from_supervision,
    to_coco,
    to_mot,
    to_roboflow,
    to_supervision,
)
from livelens.events import DetectedObject, ObjectAttribute, Result

PERSON = DetectedObject((10.0, 20.0, 40.0, 90.0), "person", 0, 0.9, tracker_id=4)
CAR = DetectedObject((60.5, 20.0, 90.0, 90.5), "car", 2, 0.5)


def result(*objects: DetectedObject, seq: int = 0, stream: str = "street") -> Result:
    """A frame of a camera with 10 frames per second."""
    return Result(
        stream=stream,
        seq=seq,
        pts_ns=seq * 100_000_000,
        rtp_timestamp=seq * 9000,
        captured_unix_ns=1_700_000_000_000_000_000 + seq * 100_000_000,
        size_px=(160, 120),
        latency_ns=30_000_000,
        stages=[],
        dropped={},
        objects=list(objects),
    )


def test_supervision_gets_everything_it_has_a_place_for() -> None:
    found = to_supervision(result(PERSON, CAR))
    assert found.xyxy.tolist() == [[10, 20, 40, 90], [60.5, 20, 90, 90.5]]
    assert found.tracker_id is not None
    assert found.tracker_id.tolist() == [4, -1]
    assert found.class_id is not None
    assert found.class_id.tolist() == [0, 2]
    assert list(found.data["class_name"]) == ["person", "car"]


def test_supervision_and_back() -> None:
    with_points = DetectedObject((1, 2, 3, 4), "face", 0, 0.5, keypoints=[(1, 2), (3, 4)])
    person, car = from_supervision(to_supervision(result(PERSON, CAR)))
    assert (person.box, person.class_name, person.tracker_id) == (PERSON.box, "person", 4)
    assert person.confidence == pytest.approx(0.9)
    assert car == CAR
    assert from_supervision(to_supervision(result(with_points))) == [with_points]
    assert from_supervision(to_supervision(result())) == []


def test_untracked_results_have_no_ids_in_supervision() -> None:
    assert to_supervision(result(CAR)).tracker_id is None


def test_bare_detections_become_objects() -> None:
    bare = sv.Detections(xyxy=np.array([[1, 2, 3, 4]], dtype=np.float32))
    assert from_supervision(bare) == [DetectedObject((1, 2, 3, 4), "", 0, 1.0)]


def test_coco_counts_from_one_and_measures_boxes() -> None:
    data = to_coco([result(), result(PERSON, CAR, seq=7)])
    json.dumps(data)
    assert data["images"][1] == {
        "id": 2,
        "file_name": "street/00000007",
        "width": 160,
        "height": 120,
    }
    first, second = data["annotations"]
    assert first["bbox"] == [10, 20, 30, 70]
    assert first["area"] == 2100
    assert (first["image_id"], first["category_id"], first["track_id"]) == (2, 1, 4)
    assert (second["id"], second["score"], "track_id" in second) == (2, 0.5, False)
    assert data["categories"] == [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]


def test_supervision_reads_our_coco(tmp_path: object) -> None:
    """An independent reader of the format finds the same boxes."""
    folder = str(tmp_path)
    annotations = f"{folder}/annotations.json"
    with open(annotations, "w") as file:
        json.dump(to_coco([result(PERSON, CAR)]), file)
    data = sv.DetectionDataset.from_coco(folder, annotations)
    assert data.classes == ["person", "car"]
    (found,) = data.annotations.values()
    assert found.xyxy.tolist() == [[10, 20, 40, 90], [60.5, 20, 90, 90.5]]


def test_mot_leaves_out_what_is_not_tracked_unless_asked() -> None:
    given = result(PERSON, CAR, seq=7)
    assert to_mot(given) == ["8,4,10.00,20.00,30.00,70.00,0.9000,1,1"]
    assert to_mot(given, untracked=True)[1] == "8,-1,60.50,20.00,29.50,70.50,0.5000,3,1"


def test_roboflow_boxes_have_a_centre() -> None:
    data = to_roboflow(result(PERSON, CAR, seq=3))
    assert data["image"] == {"width": 160, "height": 120}
    person, car = data["predictions"]
    assert (person["x"], person["y"], person["width"], person["height"]) == (25, 55, 30, 70)
    assert (person["class"], person["class_id"], person["tracker_id"]) == ("person", 0, 4)
    assert "tracker_id" not in car
    assert person["detection_id"] != car["detection_id"]


def test_supervision_reads_our_roboflow_json() -> None:
    found = sv.Detections.from_inference(to_roboflow(result(PERSON, CAR)))
    assert found.xyxy.tolist() == [[10, 20, 40, 90], [60.5, 20, 90, 90.5]]
    assert list(found.data["class_name"]) == ["person", "car"]


def person(confidence: float = 0.6, x: float = 10, tracker_id: int | None = 4) -> DetectedObject:
    return DetectedObject((x, 20, x + 30, 90), "person", 0, confidence, tracker_id)


def test_an_object_is_new_once_and_ends_once() -> None:
    events = FrigateEvents(end_s=1)
    told = [message for n in range(10) for message in events.update(result(person(), seq=n))]
    assert [message["type"] for message in told] == ["new"]
    assert told[0]["before"]["id"] == told[0]["after"]["id"] == "1700000000.000000-4"
    after = told[0]["after"]
    assert (after["camera"], after["label"], after["sub_label"]) == ("street", "person", None)
    assert after["box"] == [10, 20, 40, 90]
    assert after["start_time"] == after["frame_time"] == 1_700_000_000.0
    for n in range(10, 19):
        assert events.update(result(seq=n)) == []
    (end,) = events.update(result(seq=19))
    assert end["type"] == "end"
    assert end["before"]["end_time"] is None
    assert end["after"]["end_time"] == 1_700_000_000.9  # when it was seen last
    json.dumps(end)


def test_a_better_score_is_an_update_with_before_and_after() -> None:
    events = FrigateEvents()
    scores = [0.6, 0.62, 0.8, 0.7, 0.81]
    told = [events.update(result(person(score), seq=n)) for n, score in enumerate(scores)]
    assert [[message["type"] for message in each] for each in told] == [
        ["new"],
        [],
        ["update"],
        [],
        [],
    ]
    assert told[2][0]["before"]["top_score"] == 0.6
    assert told[2][0]["after"]["top_score"] == 0.8


def test_an_object_that_stands_still_becomes_stationary() -> None:
    events = FrigateEvents(still_s=1, update_s=60)
    boxes = [10 + 20 * n for n in range(5)] + [100] * 15 + [10]
    told = [m for n, x in enumerate(boxes) for m in events.update(result(person(x=x), seq=n))]
    assert [(m["type"], m["after"]["stationary"]) for m in told] == [
        ("new", False),
        ("update", True),
        ("update", False),
    ]
    assert told[1]["after"]["active"] is False
    assert told[2]["after"]["position_changes"] == 6


def test_a_living_object_is_told_every_update_s() -> None:
    events = FrigateEvents(update_s=2, still_s=60)
    told = [m for n in range(45) for m in events.update(result(person(), seq=n))]
    assert [m["type"] for m in told] == ["new", "update", "update"]


def test_a_name_is_a_sub_label_and_scores_are_attributes() -> None:
    known = DetectedObject(
        (0, 0, 9, 9), "person", 0, 0.9, 4, {"name": ObjectAttribute("Ada", 0.8, 0)}
    )
    (new,) = FrigateEvents().update(result(known))
    assert new["after"]["sub_label"] == ["Ada", 0.8]
    assert new["after"]["attributes"] == {"name": 0.8}


def test_cameras_do_not_mix_and_untracked_objects_are_not_told() -> None:
    events = FrigateEvents(end_s=1)
    assert events.update(result(person(tracker_id=None))) == []
    events.update(result(person(), stream="door"))
    assert [m["type"] for m in events.update(result(person()))] == ["new"]
    assert events.update(result(seq=50)) != []
    assert [m["after"]["camera"] for m in events.close()] == ["door"]
    assert events.close() == []
