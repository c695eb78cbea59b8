import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from trackers import ByteTrackTracker  # type: ignore[import-untyped]

from livelens import plugins
from livelens.errors import ConfigError
from livelens.stages.track import Track, TrackStage
from livelens.types import Frame, Item, no_detections

IMAGE = np.zeros((480, 640, 3), np.uint8)
FRAME_NS = 33_333_333
CLIP = Path(__file__).parents[3] / "shared" / "data" / "tracking" / "TUD-Stadtmitte"

Box = tuple[float, float, float, float]


def item(seq: int, *objects: tuple[str, float, float], pts_ns: int | None = None) -> Item:
    """Objects of 40 by 80 pixels: (class name, left edge, confidence)."""
    names = [name for name, _, _ in objects]
    known = ["person", "car", "truck", "dog"]
    found = no_detections()
    if objects:
        found = sv.Detections(
            xyxy=np.array([[x, 100, x + 40, 180] for _, x, _ in objects], dtype=np.float32),
            confidence=np.array([score for _, _, score in objects], dtype=np.float32),
            class_id=np.array([known.index(name) for name in names]),
            data={"class_name": np.array(names)},
        )
    pts_ns = seq * FRAME_NS if pts_ns is None else pts_ns
    return Item(Frame.of(IMAGE, stream_id="street", seq=seq, pts_ns=pts_ns), detections=found)


def ids_of(stage: TrackStage, given: Item) -> list[int]:
    (done,) = stage.process([given])
    assert done.detections is not None
    assert done.detections.tracker_id is not None
    return [int(each) for each in done.detections.tracker_id]


def test_an_object_keeps_its_id_while_it_moves() -> None:
    stage = Track().open()
    seen = [ids_of(stage, item(n, ("person", 50 + 3 * n, 0.9))) for n in range(60)]
    assert seen[0] == [-1]  # one frame may be a mistake of the detector
    assert {each[0] for each in seen[1:]} == {1}


def test_detections_keep_their_order_and_all_that_is_known_about_them() -> None:
    stage = Track().open()
    for n in range(4):
        given = item(n, ("person", 50, 0.2), ("car", 200, 0.9), ("person", 400, 0.8))
        assert given.detections is not None
        given.detections.data["speed"] = np.array([1.0, 2.0, 3.0])
        before = given.detections.xyxy.copy()
        (done,) = stage.process([given])
    found = done.detections
    assert found is not None
    assert found.tracker_id is not None
    assert (found.xyxy == before).all()
    assert list(found.data["class_name"]) == ["person", "car", "person"]
    assert list(found.data["speed"]) == [1.0, 2.0, 3.0]
    assert found.tracker_id[0] == -1  # never confident enough to begin a track
    assert sorted(found.tracker_id[1:]) == [1, 2]
    assert given.detections is not None
    assert given.detections.tracker_id is None  # the item given was not written to


def test_untracked_detections_can_leave() -> None:
    stage = Track(keep_untracked=False).open()
    assert ids_of(stage, item(0, ("person", 50, 0.9))) == []
    assert ids_of(stage, item(1, ("person", 50, 0.9), ("person", 400, 0.2))) == [1]


def test_a_weak_detection_continues_a_track() -> None:
    stage = Track().open()
    scores = [0.9] * 5 + [0.2] * 5 + [0.9] * 5
    seen = [ids_of(stage, item(n, ("person", 50, score))) for n, score in enumerate(scores)]
    assert seen[-1] == [1]
    assert seen[7] == [1]


def test_streams_count_for_themselves() -> None:
    first, second = Track().open(), Track().open()
    for n in range(3):
        ids = [ids_of(stage, item(n, ("person", 50, 0.9))) for stage in (first, second)]
    assert ids == [[1], [1]]


def test_a_neighbour_of_another_class_never_takes_the_id_over() -> None:
    stage = Track().open()
    for n in range(5):
        ids_of(stage, item(n, ("person", 100, 0.9)))
    # The person steps into the car: from now on only the car is seen, at the same place.
    seen = [ids_of(stage, item(n, ("car", 102, 0.9))) for n in range(5, 10)]
    assert [1] not in seen
    assert seen[-1] == [2]


def test_a_car_that_is_called_a_truck_for_a_moment_stays_a_car() -> None:
    stage = Track().open()
    names = ["car"] * 8 + ["truck"] * 3 + ["car"] * 4
    for n, name in enumerate(names):
        (done,) = stage.process([item(n, (name, 50 + n, 0.9))])
        found = done.detections
        assert found is not None
        if n > 0:
            assert found.tracker_id is not None
            assert found.class_id is not None
            assert found.tracker_id.tolist() == [1]
            assert list(found.data["class_name"]) == ["car"]
            assert found.class_id.tolist() == [1]


def test_an_object_comes_back_within_lost_s_and_not_later() -> None:
    stage = Track(lost_s=0.5).open()
    for n in range(10):
        ids_of(stage, item(n, ("person", 50, 0.9)))
    for n in range(10, 20):  # a third of a second
        ids_of(stage, item(n))
    assert ids_of(stage, item(20, ("person", 50, 0.9))) == [1]
    for n in range(21, 45):
        ids_of(stage, item(n))
    ids_of(stage, item(45, ("person", 50, 0.9)))
    assert ids_of(stage, item(46, ("person", 50, 0.9))) == [2]


def test_lost_s_is_time_and_not_frames() -> None:
    """At 5 frames per second, 0.9 seconds are four frames and not twenty-seven."""
    stage = Track(lost_s=0.9).open()
    five_fps_ns = 200_000_000
    for n in range(10):
        ids_of(stage, item(n, ("person", 50, 0.9), pts_ns=n * five_fps_ns))
    for n in range(10, 16):
        ids_of(stage, item(n, pts_ns=n * five_fps_ns))
    ids_of(stage, item(16, ("person", 50, 0.9), pts_ns=16 * five_fps_ns))
    assert ids_of(stage, item(17, ("person", 50, 0.9), pts_ns=17 * five_fps_ns)) == [2]


def test_an_object_keeps_its_id_over_a_burst_of_drops() -> None:
    """It moves on by 80 pixels, twice its width: only a prediction over the gap finds it."""
    stage = Track().open()
    for n in range(20):
        ids_of(stage, item(n, ("person", 20 + 8 * n, 0.9)))
    assert ids_of(stage, item(30, ("person", 20 + 8 * 30, 0.9))) == [1]


def test_a_gap_as_long_as_lost_s_ends_the_tracks_though_no_frame_came() -> None:
    stage = Track(lost_s=1).open()
    for n in range(10):
        ids_of(stage, item(n, ("person", 50, 0.9)))
    after_ns = 10 * FRAME_NS + 2_000_000_000
    ids_of(stage, item(10, ("person", 50, 0.9), pts_ns=after_ns))
    assert ids_of(stage, item(11, ("person", 50, 0.9), pts_ns=after_ns + FRAME_NS)) == [2]


def test_a_stream_of_one_frame_in_two_seconds_is_tracked() -> None:
    stage = Track(lost_s=1).open()
    times_ns = [n * 2_000_000_000 for n in range(5)]
    seen = [ids_of(stage, item(n, ("person", 50, 0.9), pts_ns=t)) for n, t in enumerate(times_ns)]
    assert seen[1:] == [[1]] * 4


@pytest.mark.parametrize("jump_s", [20, -3])
def test_a_jump_in_time_begins_anew_and_never_reuses_an_id(jump_s: int) -> None:
    stage = Track().open()
    for n in range(200, 210):
        ids_of(stage, item(n, ("person", 50, 0.9)))
    jumped_ns = 210 * FRAME_NS + jump_s * 1_000_000_000
    ids_of(stage, item(210, ("person", 50, 0.9), pts_ns=jumped_ns))
    assert ids_of(stage, item(211, ("person", 50, 0.9), pts_ns=jumped_ns + FRAME_NS)) == [2]


def test_nothing_is_kept_of_objects_that_are_gone() -> None:
    stage = Track(lost_s=0.2).open()
    for n in range(400):
        x = 10 + (n * 97) % 500  # jumps every frame but one: new tracks all the time
        ids_of(stage, item(n, ("person", x - x % 200, 0.9), ("dog", 300, 0.9)))
    for n in range(400, 460):
        ids_of(stage, item(n, ("dog", 300, 0.9)))
    assert list(stage._groups) == [("", "alike 2")]
    assert len(stage._groups["", "alike 2"].known) == 1


def test_a_stream_without_objects_passes() -> None:
    stage = Track().open()
    (done,) = stage.process([item(0)])
    assert done.detections is not None
    assert len(done.detections) == 0
    assert done.detections.tracker_id is not None
    assert "class_name" in done.detections.data


def test_detections_without_classes_or_scores_are_tracked() -> None:
    stage = Track().open()
    for n in range(3):
        bare = sv.Detections(xyxy=np.array([[50, 100, 90, 180]], dtype=np.float32))
        (done,) = stage.process([item(n).with_(detections=bare)])
    assert done.detections is not None
    assert done.detections.tracker_id is not None
    assert done.detections.tracker_id.tolist() == [1]


def test_sort_tracks_too() -> None:
    stage = Track(tracker="sort").open()
    seen = [ids_of(stage, item(n, ("person", 50 + n, 0.9))) for n in range(6)]
    assert seen[-1] == [1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tracker": "magic"}, r"no tracker is called 'magic'.*bytetrack,.* sort.* - at \$"),
        ({"tracker": "sort", "high_confidence": 0.5}, r"'sort' has no option high_conf.* at \$"),
        ({"min_iou": 1.5}, r"<= 1(\.0)? - at \$.min_iou"),
        ({"workers": 2}, r"workers must be 1 - at \$"),
        ({"lost_s": 0}, r" - at \$.lost_s"),
    ],
)
def test_impossible_settings_name_their_path(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        plugins.stage({"type": "track", **settings})


@pytest.mark.skipif(not CLIP.is_dir(), reason="needs the tracking data set")
def test_a_real_clip_is_tracked_as_the_library_alone_does() -> None:
    """Without drops and with one class, everything around the library changes nothing."""
    boxes: dict[int, list[tuple[Box, float]]] = defaultdict(list)
    for row in csv.reader((CLIP / "det" / "det.txt").open()):
        x, y, width, height, score = map(float, row[2:7])
        boxes[int(row[0])].append(((x, y, x + width, y + height), score / 100))
    alone = ByteTrackTracker(
        lost_track_buffer=30,
        frame_rate=25,
        track_activation_threshold=0.3,
        high_conf_det_threshold=0.3,
    )
    stage = Track(activation_confidence=0.3, high_confidence=0.3).open()
    ours: dict[int, set[tuple[Box, int]]] = defaultdict(set)
    theirs: dict[int, set[tuple[Box, int]]] = defaultdict(set)
    for number in range(1, 180):
        found = sv.Detections(
            xyxy=np.array([box for box, _ in boxes[number]], dtype=np.float32),
            confidence=np.clip([score for _, score in boxes[number]], 0, 1).astype(np.float32),
            class_id=np.zeros(len(boxes[number]), dtype=int),
            data={"class_name": np.full(len(boxes[number]), "person")},
        )
        frame = Frame.of(IMAGE, seq=number, pts_ns=number * 40_000_000)
        (done,) = stage.process([Item(frame, detections=found)])
        for result, into in ((done.detections, ours), (alone.update(found), theirs)):
            assert result is not None
            assert result.tracker_id is not None
            for box, tracker_id in zip(result.xyxy, result.tracker_id, strict=True):
                if tracker_id >= 0:
                    into[int(tracker_id)].add(((number, *box), 0))
    # The ids have other names; the tracks are the same.
    assert sorted(map(sorted, ours.values())) == sorted(map(sorted, theirs.values()))
    assert len(ours) > 8
