"""Boxes on frames that a detector did not look at."""

import numpy as np
import pytest
import supervision as sv

from livelens.stages.motion import Motion
from livelens.stages.track import Track, TrackStage
from livelens.types import Frame, Item, no_detections

IMAGE = np.zeros((480, 640, 3), np.uint8)
FRAME_NS = 40_000_000
SPEED = 5.0  # px a frame, 125 px a second

Object = tuple[str, str, float]  # class, detector, left edge


def item(seq: int, *objects: Object, undetected: str = "", width: float = 40) -> Item:
    found = no_detections()
    if objects:
        boxes = [[x, 100, x + width, 180] for _, _, x in objects]
        found = sv.Detections(
            xyxy=np.array(boxes, dtype=np.float32),
            confidence=np.full(len(objects), 0.8, dtype=np.float32),
            class_id=np.zeros(len(objects), dtype=int),
            data={
                "class_name": np.array([name for name, _, _ in objects]),
                "detector": np.array([detector for _, detector, _ in objects]),
            },
        )
    frame = Frame.of(IMAGE, seq=seq, pts_ns=seq * FRAME_NS)
    names = frozenset(undetected.split())
    return Item(frame, detections=found, undetected=names)


def column(found: sv.Detections, name: str) -> list[object]:
    return list(np.asarray(found.data[name]).tolist())


def tracked(stage: TrackStage, given: Item) -> sv.Detections:
    (done,) = stage.process([given])
    assert done.detections is not None
    return done.detections


def walk(stage: TrackStage, seqs: range, every: int = 1, start: float = 100) -> list[sv.Detections]:
    """A person who walks to the right, looked at on every so manieth frame."""
    results = []
    for seq in seqs:
        looked = seq % every == 0
        objects = [("person", "eye", start + SPEED * seq)] if looked else []
        given = item(seq, *objects, undetected="" if looked else "eye")
        results.append(tracked(stage, given))
    return results


def test_a_box_goes_on_as_it_moved_on_frames_nobody_looked_at() -> None:
    results = walk(Track().open(), range(40), every=4)
    for seq, found in enumerate(results):
        if seq < 16:
            continue
        assert found.tracker_id is not None
        assert found.tracker_id.tolist() == [1]
        assert column(found, "predicted") == [seq % 4 != 0]
        assert np.asarray(found.data["predicted"]).dtype == bool
        assert column(found, "class_name") == ["person"]
        assert column(found, "detector") == ["eye"]
        assert found.confidence is not None
        assert found.confidence[0] == pytest.approx(0.8)
        assert found.xyxy[0] == pytest.approx(
            [100 + SPEED * seq, 100, 140 + SPEED * seq, 180], abs=3
        )


def test_a_frame_nobody_looked_at_with_nothing_to_carry_has_its_columns() -> None:
    found = tracked(Track().open(), item(0, undetected="eye"))
    assert len(found) == 0
    assert found.tracker_id is not None
    assert {"class_name", "predicted"} <= set(found.data)


def test_time_moves_a_box_and_not_frames() -> None:
    stage = Track().open()
    walk(stage, range(20))
    # Ten frames were dropped before this one, which nobody looked at.
    found = tracked(stage, item(30, undetected="eye"))
    assert found.xyxy[0, 0] == pytest.approx(100 + SPEED * 30, abs=4)


def test_nothing_is_carried_for_longer_than_it_may() -> None:
    stage = Track(lost_s=1, carry_s=0.2).open()
    walk(stage, range(20))
    counts = [len(tracked(stage, item(seq, undetected="eye"))) for seq in range(20, 30)]
    assert counts == [1] * 5 + [0] * 5
    assert len(walk(Track(carry_s=0).open(), range(18), every=4)[17]) == 0


def test_what_the_detector_missed_when_it_last_looked_is_not_carried() -> None:
    stage = Track().open()
    walk(stage, range(20))
    tracked(stage, item(20))
    assert len(tracked(stage, item(21, undetected="eye"))) == 0


def test_only_boxes_of_the_detector_that_did_not_look_are_carried() -> None:
    stage = Track().open()
    for seq in range(10):
        objects: list[Object] = [("person", "slow", 100), ("car", "fast", 300)]
        tracked(stage, item(seq, *objects))
    found = tracked(stage, item(10, ("car", "fast", 300), undetected="slow"))
    assert column(found, "class_name") == ["car", "person"]
    assert column(found, "predicted") == [False, True]
    assert found.tracker_id is not None
    assert len(set(found.tracker_id.tolist())) == 2
    # The fast one looked and found nothing: its car is not where it was.
    found = tracked(stage, item(11, undetected="slow"))
    assert column(found, "class_name") == ["person"]


def test_of_two_detectors_of_a_class_one_that_looks_does_not_end_the_others_tracks() -> None:
    stage = Track().open()
    for seq in range(0, 30):
        slow_looks = seq % 3 == 0
        objects: list[Object] = [("person", "fast", 100)]
        if slow_looks:
            objects.append(("person", "slow", 400))
        found = tracked(stage, item(seq, *objects, undetected="" if slow_looks else "slow"))
        if seq >= 6:
            assert found.tracker_id is not None
            assert sorted(found.tracker_id.tolist()) == [1, 2]


def test_a_box_that_has_left_the_picture_is_gone_and_none_reaches_out_of_it() -> None:
    stage = Track().open()
    walk(stage, range(20), start=500)  # now from 595 to 635 of 640
    seen = [tracked(stage, item(seq, undetected="eye")) for seq in range(20, 40)]
    assert len(seen[0]) == 1
    assert len(seen[-1]) == 0
    for found in seen:
        assert (found.xyxy >= 0).all()
        assert (found.xyxy <= [640, 480, 640, 480]).all()


def test_tracks_end_and_ids_are_new_after_a_long_gap() -> None:
    stage = Track(lost_s=0.5).open()
    walk(stage, range(20))
    for seq in range(20, 50):
        last = tracked(stage, item(seq, undetected="eye"))
    assert len(last) == 0
    tracked(stage, item(50, ("person", "eye", 100)))
    again = tracked(stage, item(51, ("person", "eye", 100)))
    assert again.tracker_id is not None
    assert again.tracker_id.tolist() == [2]


def test_jitter_of_young_tracks_does_not_throw_their_boxes() -> None:
    """Two boxes 4 px apart in 40 ms: a second later that would be 100 px."""
    motion = Motion(1_000_000_000)
    motion.see(np.array([100.0, 100, 140, 180]), 0)
    motion.see(np.array([104.0, 100, 144, 180]), FRAME_NS)
    ahead = motion.predicted(FRAME_NS + 1_000_000_000)
    assert ahead[0] - 104 < 80
    for pts_ns in range(2 * FRAME_NS, 1_000_000_000, FRAME_NS):
        motion.see(np.array([104.0, 100, 144, 180]), pts_ns)
    assert abs(motion.velocity()[0]) < 4


def test_speed_is_that_of_a_steady_walk() -> None:
    motion = Motion(1_000_000_000)
    for n in range(20):
        motion.see(np.array([3.0 * n, 100, 3.0 * n + 40, 180]), n * FRAME_NS)
    assert motion.velocity()[:2] == pytest.approx([75, 0], rel=0.03)
    assert motion.span_ns == 19 * FRAME_NS


@pytest.mark.parametrize("tracker", ["bytetrack", "sort"])
def test_either_tracker_carries(tracker: str) -> None:
    results = walk(Track(tracker=tracker).open(), range(40), every=3)
    assert [len(found) for found in results[30:]] == [1] * 10
