import numpy as np
import supervision as sv

from livelens.stages.detections import joined, select
from livelens.types import no_detections


def people(count: int) -> sv.Detections:
    return sv.Detections(
        xyxy=np.arange(count * 4, dtype=np.float32).reshape(count, 4),
        confidence=np.linspace(0.9, 0.5, count).astype(np.float32),
        class_id=np.zeros(count, dtype=int),
        data={"class_name": np.array(["person"] * count), "speed": np.arange(count, dtype=float)},
    )


def faces(count: int) -> sv.Detections:
    return sv.Detections(
        xyxy=100 + np.arange(count * 4, dtype=np.float32).reshape(count, 4),
        confidence=np.full(count, 0.7, dtype=np.float32),
        class_id=np.full(count, 5),
        data={
            "class_name": np.array(["a long name"] * count),
            "keypoints": np.ones((count, 5, 2), dtype=np.float32),
        },
    )


def test_the_first_come_first() -> None:
    both = joined(people(2), people(1))
    assert both.xyxy.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]]
    assert both.class_id is not None
    assert both.class_id.tolist() == [0, 0, 0]


def test_what_only_one_has_is_filled_up() -> None:
    both = joined(people(2), faces(1))
    assert list(both.data["class_name"]) == ["person", "person", "a long name"]
    assert list(both.data["speed"][:2]) == [0, 1]
    assert np.isnan(both.data["speed"][2])
    assert [len(points) for points in both.data["keypoints"]] == [0, 0, 5]
    turned = joined(faces(1), people(2))
    assert [len(points) for points in turned.data["keypoints"]] == [5, 0, 0]


def test_a_join_can_be_chosen_from_and_joined_again() -> None:
    both = joined(joined(people(2), faces(2)), people(1))
    assert len(both) == 5
    chosen = select(both, np.array([1, 3]))
    assert [len(points) for points in chosen.data["keypoints"]] == [0, 5]


def test_ids_of_one_side_stay() -> None:
    first, second = people(2), faces(1)
    first.tracker_id = np.array([3, 4])
    both = joined(first, second)
    assert both.tracker_id is not None
    assert both.tracker_id.tolist() == [3, 4, -1]


def test_nothing_adds_nothing() -> None:
    found = people(2)
    assert joined(None, found) is found
    assert joined(no_detections(), found) is found
    assert joined(found, no_detections()) is found
