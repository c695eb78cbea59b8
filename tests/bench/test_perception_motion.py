"""What the benches of detection, tracking and counting compute by themselves."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from livelens.bench.perception import coco, flux, sequences, tracking
from livelens.bench.perception.sequences import Box
from livelens.bench.report import CannotMeasure
from livelens.flow.run import run

INFO = "[Sequence]\nname=short\nimDir=img1\nframeRate=5\nseqLength=3\nimWidth=64\nimHeight=48\n"


def sequence_folder(data: Path) -> Path:
    folder = data / "tracking" / "short"
    (folder / "gt").mkdir(parents=True)
    (folder / "img1").mkdir()
    (folder / "seqinfo.ini").write_text(INFO)
    for number in range(1, 4):
        picture = np.full((48, 64, 3), 60 * number, np.uint8)
        cv2.imwrite(str(folder / "img1" / f"{number:06}.png"), picture)
    return folder


def test_a_folder_of_pictures_is_a_source_in_order_and_time(tmp_path: Path) -> None:
    folder = sequence_folder(tmp_path)
    (folder / "gt" / "gt.txt").write_text("1,1,10,10,20,20,1,-1,-1,-1\n")
    (sequence,) = sequences.sequences(tmp_path)
    assert (sequence.name, sequence.frames, sequence.size_px) == ("short", 3, (64, 48))
    items = list(run(sequence.source))
    assert [item.frame.pts_ns for item in items] == [0, 200_000_000, 400_000_000]
    assert [int(item.frame.image[0, 0, 0]) for item in items] == [60, 120, 180]


def test_without_data_it_says_so(tmp_path: Path) -> None:
    for measure in (coco.measure, tracking.measure, flux.measure):
        with pytest.raises(CannotMeasure):
            list(measure(tmp_path))


def test_both_generations_of_truth_are_read(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    # MOT15 ends with a place in the world, MOT16 with class and visibility.
    file.write_text("1,7,10,20,30,40,1,4.5,5.5,0\n2,7,10,20,30,40,0,4.5,5.5,0\n")
    assert dict(sequences.boxes(file)) == {1: [Box(7, (10, 20, 40, 60), 1)]}
    file.write_text("1,7,10,20,30,40,1,1,1\n1,8,10,20,30,40,1,3,1\n1,9,10,20,30,40,0,1,1\n")
    assert [box.track for box in sequences.boxes(file)[1]] == [7]
    file.write_text("1,7,ten,20,30,40,1,1,1\n")
    with pytest.raises(CannotMeasure, match="ten"):
        sequences.boxes(file)


def test_tracks_are_written_as_they_are_read(tmp_path: Path) -> None:
    tracks = {3: [Box(1, (1.5, 2, 11.5, 22), 0.5)], 1: [Box(2, (0, 0, 5, 5), 1.0)]}
    sequences.write_tracks(tmp_path / "t.txt", tracks)
    assert dict(sequences.boxes(tmp_path / "t.txt")) == tracks


def test_true_crossings_are_counted_by_the_feet() -> None:
    """Up through the middle, and back half of the way; trembling on the line is nothing."""
    feet = [*range(60, 20, -2), *range(20, 34, 2), 51, 49, 51]
    by_frame = {n: [Box(1, (10, y - 30, 20, y), 1.0)] for n, y in enumerate(feet, 1)}
    counts = flux._true_counts(by_frame, (64, 80))
    assert counts == {("across", "in", "person"): 1, ("across", "out", "person"): 1}


def test_every_labelled_video_is_whole() -> None:
    for each in flux.labels():
        assert each.lines
        assert each.crossings
        assert all(0 <= x <= 1 for line in each.lines for x in (*line.start, *line.end))


def test_missed_and_false_persons() -> None:
    truth = {1: [Box(1, (0, 0, 10, 20), 1), Box(2, (50, 0, 60, 20), 1)], 2: []}
    found = {
        1: np.array([[1, 0, 11, 20], [100, 0, 110, 20]], np.float32),
        2: np.array([[5, 5, 9, 9]], np.float32),
    }
    rows = list(coco._missed("m", "short", truth, found))
    assert [row["value"] for row in rows] == [0.5, 1.0]
    assert [row["n"] for row in rows] == [2, 2]
