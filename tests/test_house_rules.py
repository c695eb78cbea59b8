"""Rules of this code that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "livelens"
MODULES = sorted(SOURCE.rglob("*.py"))

CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
VAGUE = re.compile(r"(Manager|Handler|Helper|Util)s?$|^(utils?|helpers?|common|misc)$")

# Written in pieces, so that this file passes its own test.
FOREIGN = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "cdn.js" + "delivr",
    "unpkg" + ".com",
    "/work" + "/main",
    "/root" + "/",
    "/home" + "/",
]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    if module != SOURCE / "clock.py" and SOURCE / "bench" not in module.parents:
        assert _clock_reads(tree) == [], "only clock.py reads time"
    names = [n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)] + [module.stem]
    assert [name for name in names if VAGUE.search(name)] == []
    assert not tree.body or ast.get_docstring(tree), "say in a line what the module is for"


def test_tracked_files_name_no_registry_and_no_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        try:
            text = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{name}: {word}" for word in FOREIGN if word in text]
    assert found == []


def _clock_reads(tree: ast.AST) -> list[str]:
    reads = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            reads += [alias.name for alias in node.names if alias.name in CLOCKS]
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "time"
            and node.attr in CLOCKS
        ):
            reads.append(f"time.{node.attr}, line {node.lineno}")
    return reads
