"""What a fragmented file holds so far, and its length told in its head."""

from pathlib import Path

import av
import pytest

from livelens.media.fragments import Fragments
from livelens.picture import ArrayPicture
from livelens.sinks.record import Record, Recording
from livelens.sources.pattern import Pattern
from livelens.types import Frame, Item


def recording(path: Path, pictures: int) -> Recording:
    """A recording that goes on, with so many pictures."""
    source = Pattern(width_px=128, height_px=96, fps=30).open()
    one = Recording(Record(path=str(path), index=True), "s")
    for i in range(pictures):
        picture = ArrayPicture(source.draw(i))
        one.put(Item(Frame("s", i, round(i * 1e9 / 30), 0, picture)))
    return one


def decoded(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    going = recording(path, 150)
    found = Fragments()
    found.look(path)
    assert found.ends == sorted(found.ends)
    assert found.duration_s == pytest.approx(found.pictures / 30, abs=0.01)
    assert found.duration_at(found.ends[2]) == found.ends_s[2]
    assert found.duration_at(found.ends[2] + 1) is None
    head = found.head(path, found.duration_s)
    assert len(head) == found.head_bytes
    copy = tmp_path / "b.mp4"
    copy.write_bytes(head + path.read_bytes()[found.head_bytes :] + b"\0\0\1")
    again = Fragments()
    again.look(copy)
    assert again.ends == found.ends
    again.tell_duration(copy)
    assert copy.stat().st_size == again.whole_bytes
    assert decoded(copy) == found.pictures
    going.close()
    plain = Fragments()
    plain.look(path)
    assert plain.plain
    assert plain.ends == []


@pytest.mark.parametrize("pictures", [1, 2, 16, 17, 31])
def test_no_picture_is_beyond_the_end(tmp_path: Path, pictures: int) -> None:
    recording(tmp_path / "a.mp4", pictures).close()
    assert decoded(tmp_path / "a.mp4") == pictures
