"""`livelens bench footprint`: what the default install weighs and how long imports take."""

import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from livelens.bench.report import CannotMeasure, Report, note
from livelens.bench.stats import Row, median_rows

COLUMNS = ("what", "import_ms", "packages", "size_mib")
_MIB = 2**20
_HEAVIEST = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """How often each import is timed."""

    repeats: int = 7


QUICK = Settings(repeats=3)
_STATEMENTS = {
    "python alone": "pass",
    "import livelens": "import livelens",
    "livelens --help": "import sys; sys.argv = ['livelens', '--help']; "
    "from livelens.cli import main; main()",
}


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: livelens is not an installed package.
    """
    report = Report("footprint", {"repeats": settings.repeats})
    rows: list[Row] = []
    for repeat in range(settings.repeats + 1):
        for what, statement in _STATEMENTS.items():
            took_ms = _timed(statement)
            if repeat:  # the first turn fills the caches
                rows.append({"what": what, "import_ms": round(took_ms, 1)})
    report.rows = median_rows(rows, ("what",), ("import_ms",)) + _sizes()
    return report


def _timed(statement: str) -> float:
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise CannotMeasure(f"`{statement}` fails: {''.join(last)}")
    return (time.monotonic() - began_s) * 1000


def _sizes() -> list[Row]:
    sizes = {name: _size(name) for name in default_install()}
    heaviest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:_HEAVIEST]
    total: Row = {
        "what": "default install",
        "packages": len(sizes),
        "size_mib": round(sum(sizes.values()) / _MIB, 1),
    }
    parts: list[Row] = [
        {"what": f"- {name}", "size_mib": round(sizes[name] / _MIB, 1)} for name in heaviest
    ]
    return [total, *parts]


def default_install() -> set[str]:
    """Names of livelens and of all that it requires here, without extras.

    Raises:
        CannotMeasure: livelens is not installed, or `packaging` is missing.
    """
    try:
        from packaging.requirements import Requirement
        from packaging.utils import canonicalize_name
    except ImportError as error:
        raise CannotMeasure("the package `packaging` is not installed") from error
    # A package may be wanted with an extra: (name, extra) pairs are what remains to be seen.
    waiting: list[tuple[str, str]] = [("livelens", "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        try:
            wanted = metadata.requires(name) or []
        except metadata.PackageNotFoundError as error:
            if name == "livelens":
                raise CannotMeasure("livelens is not installed as a package") from error
            note(f"{name} is required but not installed here")
            continue
        seen.add((name, extra))
        for line in wanted:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = canonicalize_name(requirement.name)
            waiting += [(needed, part) for part in ("", *requirement.extras)]
    return {name for name, _ in seen}


def _size(name: str) -> int:
    """Bytes of a package's own files; of an editable install those of its source."""
    if name == "livelens":
        root = Path(__file__).resolve().parents[1]
        kept = (path for path in root.rglob("*") if "__pycache__" not in path.parts)
        return sum(path.stat().st_size for path in kept if path.is_file())
    total = 0
    for file in metadata.files(name) or []:
        path = Path(str(file.locate()))
        if path.suffix != ".pyc" and path.is_file():
            total += path.stat().st_size
    return total
