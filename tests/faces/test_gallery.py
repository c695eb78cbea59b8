"""The gallery's file: whole or not at all, its owner's alone, and nobody else's numbers."""

import json
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from livelens.errors import ConfigError, GalleryError, NotFound
from livelens.faces import gallery
from livelens.faces.gallery import Kind, Watched

KIND = Kind("test/1", 8)
RNG = np.random.default_rng(3)


def embedding() -> NDArray[np.float32]:
    vector = RNG.normal(size=KIND.size)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def test_what_was_enrolled_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "faces.json"
    first, second = embedding(), embedding()
    gallery.add(path, "Anna", [first], KIND)
    gallery.add(path, " Anna ", [second], KIND)
    gallery.add(path, "Jörg-Peter O'Neil", [second], KIND)
    read = gallery.read(path, KIND)
    assert list(read.people) == ["Anna", "Jörg-Peter O'Neil"]
    anna = read.people["Anna"]
    assert anna.embeddings == pytest.approx(np.stack([first, second]), abs=2e-3)
    assert np.linalg.norm(anna.mean) == pytest.approx(1)
    assert anna.enrolled <= anna.changed
    assert anna.enrolled.endswith("Z")


def test_the_same_picture_counts_once(tmp_path: Path) -> None:
    path, vector = tmp_path / "faces.json", embedding()
    gallery.add(path, "Anna", [vector, vector], KIND)
    assert len(gallery.add(path, "Anna", [vector], KIND).embeddings) == 1


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    before = os.umask(0)
    try:
        gallery.add(path, "Anna", [embedding()], KIND)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    gallery.add(path, "Ben", [embedding()], KIND)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_holds_no_more_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    gallery.add(path, "Anna", [embedding()], KIND)
    data = json.loads(path.read_text())
    assert set(data) == {"livelens_gallery", "model", "people"}
    assert set(data["people"]["Anna"]) == {"enrolled", "changed", "embeddings"}
    assert len(data["people"]["Anna"]["embeddings"][0]) < 4 * KIND.size


def test_who_is_removed_is_gone_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    gallery.add(path, "Anna", [embedding()], KIND)
    gallery.add(path, "Ben", [embedding()], KIND)
    gallery.remove(path, "Anna")
    assert "Anna" not in path.read_text()
    assert list(gallery.read(path, KIND).people) == ["Ben"]
    with pytest.raises(NotFound, match="nobody is called 'Anna'"):
        gallery.remove(path, "Anna")
    assert [each.name for each in tmp_path.iterdir() if "Anna" in each.read_text("latin-1")] == []


def test_no_file_knows_nobody(tmp_path: Path) -> None:
    assert not gallery.read(tmp_path / "faces.json", KIND).people
    with pytest.raises(NotFound):
        gallery.remove(tmp_path / "faces.json", "Anna")


def test_another_models_gallery_is_refused_but_can_be_emptied(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    gallery.add(path, "Anna", [embedding()], KIND)
    other = Kind("test/2", 8)
    with pytest.raises(GalleryError, match=r"was made with test/1, this version compares test/2"):
        gallery.read(path, other)
    with pytest.raises(GalleryError, match="was made with test/1"):
        gallery.add(path, "Ben", [embedding()], other)
    assert list(gallery.read(path).people) == ["Anna"]
    gallery.remove(path, "Anna")
    gallery.add(path, "Ben", [embedding()], other)
    assert gallery.read(path, other).model == "test/2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xd8\xff\xe0",
        b"[]",
        b'{"people": {}}',
        b'{"livelens_gallery": 2, "model": "test/1", "people": {}}',
        b'{"livelens_gallery": 1, "model": "test/1", "people": {"A": {"enrolled": "", '
        b'"changed": "", "embeddings": []}}}',
        b'{"livelens_gallery": 1, "model": "test/1", "people": {"A": {"enrolled": "", '
        b'"changed": "", "embeddings": ["AAA="]}}}',
        b'{"livelens_gallery": 1, "model": "test/1", "people": {"A": {"enrolled": "", '
        b'"changed": "", "embeddings": ["AHw8PA=="]}}}',
    ],
)
def test_a_damaged_file_is_one_line_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "faces.json"
    path.write_bytes(content)
    with pytest.raises(GalleryError) as caught:
        gallery.read(path, KIND)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(GalleryError):
        gallery.add(path, "Anna", [embedding()], KIND)
    assert path.read_bytes() == content


def test_embeddings_that_are_too_short_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    gallery.add(path, "Anna", [embedding()], KIND)
    with pytest.raises(GalleryError, match="Anna has not 9 numbers"):
        gallery.read(path, Kind("test/1", 9))


@pytest.mark.parametrize(
    "name", ["", " ", "-a", "../x", "a/b", "a\nb", "x" * 65, "Unknown", "a\u202eb", "a<b>"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        gallery.checked_name(name)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GalleryError, match="cannot write the gallery"):
        gallery.add(tmp_path / "file" / "faces.json", "Anna", [embedding()], KIND)


def test_writers_at_the_same_time_lose_nobody(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    vectors = {f"P{i}": embedding() for i in range(12)}
    threads = [
        threading.Thread(target=gallery.add, args=(path, name, [vector], KIND))
        for name, vector in vectors.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(gallery.read(path, KIND).people) == set(vectors)


def test_a_change_is_seen_and_damage_means_that_nobody_is_known(tmp_path: Path) -> None:
    path = tmp_path / "faces.json"
    watched = Watched(path, KIND)
    assert not watched.current().people
    gallery.add(path, "Anna", [embedding()], KIND)
    first = watched.current()
    assert list(first.people) == ["Anna"]
    assert watched.current() is first
    path.write_bytes(b"{ damaged")
    assert not watched.current().people
    path.unlink()
    gallery.add(path, "Ben", [embedding()], KIND)
    assert list(watched.current().people) == ["Ben"]
    path.unlink()
    assert not watched.current().people
