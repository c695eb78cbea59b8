"""Subjects out of folders of data, and as a detector sees them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from livelens.bench.framing import detected, subjects
from livelens.bench.perception.sequences import Box

FRAMES = 14


def write_pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(1, FRAMES + 1):
        cv2.imwrite(str(folder / f"{number:06d}.jpg"), np.zeros((90, 160, 3), np.uint8))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One single subject, and a street with three persons, one for a moment."""
    baby = tmp_path / "framing" / "Baby"
    write_pictures(baby / "img")
    lines = [f"{10 + i}\t20\t30\t40" for i in range(FRAMES)]
    (baby / "groundtruth_rect.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "framing" / "notes").mkdir()
    street = tmp_path / "tracking" / "Street"
    write_pictures(street / "img1")
    (street / "seqinfo.ini").write_text(
        "[Sequence]\nname=Street\nimDir=img1\nframeRate=10\nseqLength=14\nimWidth=160\nimHeight=90\n"
    )
    rows = [f"{n},1,{n * 5 - 20},10,30,60,1,0,0,0" for n in range(1, FRAMES + 1) if n not in (5, 6)]
    rows += [f"{n},2,100,10,20,60,{int(n < 6)},0,0,0" for n in range(3, FRAMES + 1)]
    rows += [f"{n},3,60,10,20,60,1,0,0,0" for n in range(1, 4)]
    (street / "gt").mkdir()
    (street / "gt" / "gt.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_everybody_who_is_there_long_enough_is_a_subject(data: Path) -> None:
    found = {clip.name: (clip, people) for clip, people in subjects.clips(data)}
    assert list(found) == ["Baby", "Street"]
    clip, (baby,) = found["Baby"]
    assert clip.size_px == (160, 90)
    assert baby.truth[3].tolist() == [13, 20, 43, 60]
    assert baby.times_ns[1] == 40_000_000
    _, people = found["Street"]
    assert [person.name for person in people] == ["person 1", "person 2"]
    first, second = people
    # Clipped to the picture; frames without it are there, and not known.
    assert first.truth[0].tolist() == [0, 10, 15, 70]
    assert np.isnan(first.truth[4:6]).all()
    assert not np.isnan(first.truth[6]).any()
    assert len(first.frames) == FRAMES
    # Whoever is hidden is where the ground truth says.
    assert second.frames[0] == 2
    assert not np.isnan(second.truth).any()
    assert second.times_ns[0] == 200_000_000


def test_what_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(subjects.clips(tmp_path)) == []
    assert "no persons" in capsys.readouterr().err


def test_a_detector_sees_the_nearest_box_from_its_first_frame_on(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    person = next(
        person for _, people in subjects.clips(data) for person in people if "2" in person.name
    )
    found = {
        number: [
            Box(7 + number, (102.0, 12.0, 121.0, 68.0), 0.9),
            Box(1, (0.0, 0.0, 20.0, 60.0), 0.9),
        ]
        for number in range(4, FRAMES)
        if number != 8
    }
    as_seen = detected.seen(person, found)
    assert as_seen is not None
    assert as_seen.frames[0] == 4
    assert as_seen.seen[0].tolist() == [102, 12, 121, 68]
    assert np.isnan(as_seen.seen[8 - 4]).all()
    assert as_seen.truth[0].tolist() == [100, 10, 120, 70]
    nobody = {number: [boxes[1]] for number, boxes in found.items()}
    assert detected.seen(person, nobody) is None
    assert "person 2" in capsys.readouterr().err
