"""``livelens faces`` as people type it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from livelens import cli
from livelens.faces import gallery

from .photographs import several_faces, written

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs `livelens faces … --gallery FILE`; gives status, output and errors."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        where = ("--gallery", str(tmp_path / "g" / "faces.json"))
        monkeypatch.setattr("sys.argv", ["livelens", "faces", *map(str, arguments), *where])
        with pytest.raises(SystemExit) as left:
            cli.main()
        output = capsys.readouterr()
        return int(left.value.code or 0), output.out, output.err

    return call


def test_enroll_list_remove(faces: Call, tmp_path: Path) -> None:
    assert faces("list")[1].startswith("nobody is enrolled in ")
    good = [written(tmp_path, 8, n) for n in (1, 2)]
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    status, out, err = faces("enroll", "Anna", *good, empty, several_faces())
    assert status == 0
    assert out.startswith("Anna: 2 pictures enrolled, 2 left out; 2 pictures in ")
    assert err.splitlines() == [
        f"livelens: {empty}: empty file",
        f"livelens: 5 faces in {several_faces()}: crop to one",
    ]
    status, out, err = faces("enroll", "Anna", written(tmp_path, 8, 3))
    assert (status, err) == (0, "")
    assert "1 picture enrolled; 3 pictures in" in out
    status, out, err = faces("enroll", "Anna", written(tmp_path, 10, 1))
    assert "is little like the other pictures of Anna" in err
    assert "Anna" in faces("list")[1]
    assert faces("remove", "Anna")[0] == 0
    assert faces("list")[1].startswith("nobody is enrolled")
    status, _, err = faces("remove", "Anna")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("livelens: nobody is called 'Anna' in the gallery ")


def test_a_folder_is_all_its_pictures(faces: Call, tmp_path: Path) -> None:
    folder = tmp_path / "anna"
    folder.mkdir()
    for number in (1, 2, 3):
        written(folder, 8, number)
    (folder / ".hidden").write_bytes(b"")
    assert "3 pictures enrolled;" in faces("enroll", "Anna", folder)[1]


def test_nobody_is_enrolled_with_pictures_that_do_not_serve(faces: Call, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    status, out, err = faces("enroll", "Anna", tmp_path / "bad.png", tmp_path / "none.png")
    assert (status, out) == (1, "")
    assert "bad.png: no picture that can be read" in err
    assert "none.png: No such file" in err
    assert err.splitlines()[-1].endswith("none of 2 pictures could be used: nobody was enrolled")
    assert not (tmp_path / "g").exists()


def test_a_damaged_gallery_is_told_before_any_work(faces: Call, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "faces.json").write_text("{}")
    for command in (("enroll", "Anna", tmp_path / "none.png"), ("list",), ("remove", "Anna")):
        status, out, err = faces(*command)
        assert (status, out) == (1, "")
        assert "faces.json is no gallery, or is damaged" in err
        assert err.count("\n") == 1


def test_the_gallery_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert gallery.default_path() == Path("/somewhere/livelens/faces.json")
