"""Packages made by the tests: a wheel, an npm tarball, and a registry that serves the latter."""

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from livelens.models.manifest import Package, PackageFile, Registry

CONTENT = bytes(range(256)) * 40


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def wheel(folder: Path, content: bytes = CONTENT) -> Package:
    """Writes weights-model 1.2, which carries data/weights.bin and needs what cannot be had."""
    archive = folder / "weights_model-1.2-py3-none-any.whl"
    info = "weights_model-1.2.dist-info"
    files = {
        "data/weights.bin": content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: weights-model\nVersion: 1.2\n"
        b"Requires-Dist: no-such-package-anywhere\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return _package("pypi", "weights-model", archive, "data/weights.bin", content)


def tarball(folder: Path, content: bytes = CONTENT) -> Package:
    """Writes weights-model 1.2 as npm packs it."""
    archive = folder / "weights-model-1.2.0.tgz"
    manifest = json.dumps({"name": "weights-model", "version": "1.2.0"}).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tape:
        for name, data in (("package.json", manifest), ("data/weights.bin", content)):
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tape.addfile(info, io.BytesIO(data))
    return _package("npm", "weights-model", archive, "package/data/weights.bin", content)


def _package(registry: Registry, name: str, archive: Path, path: str, content: bytes) -> Package:
    packed = archive.read_bytes()
    return Package(
        registry=registry,
        name=name,
        version="1.2" if registry == "pypi" else "1.2.0",
        archive=archive.name,
        sha256=sha256(packed),
        size=len(packed),
        files=(PackageFile(path=path, size=len(content), sha256=sha256(content)),),
    )


@contextmanager
def npm_registry(archive: Path) -> Iterator[str]:
    """Serves one tarball on 127.0.0.1 as an npm registry, and gives its address."""
    packed = archive.read_bytes()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".tgz"):
                self._answer(packed, "application/octet-stream")
                return
            host = f"http://{self.headers['Host']}"
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
            dist = {"tarball": f"{host}/{archive.name}", "integrity": integrity}
            version = {"name": "weights-model", "version": "1.2.0", "dist": dist}
            about = {
                "name": "weights-model",
                "dist-tags": {"latest": "1.2.0"},
                "versions": {"1.2.0": version},
            }
            self._answer(json.dumps(about).encode(), "application/json")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
