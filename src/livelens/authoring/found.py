"""Which plug-ins there are: those installed, and those of a folder that is not installed."""

import atexit
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.metadata import EntryPoint, entry_points
from inspect import getdoc
from pathlib import Path

import msgspec

from livelens import plugins
from livelens.authoring.calls import Fault, fault
from livelens.descriptor import DescriptorSpec
from livelens.errors import ConfigError, NotFound
from livelens.models.manifest import ModelCard
from livelens.spec import SinkSpec, SourceSpec, StageSpec

BASES: Mapping[str, type[msgspec.Struct]] = {
    "sources": SourceSpec,
    "stages": StageSpec,
    "descriptors": DescriptorSpec,
    "sinks": SinkSpec,
    "models": ModelCard,
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point.

    Attributes:
        kind: source, stage, descriptor, sink or model.
        name: the `type` in configurations, or the model's name.
        value: where it is, ``module:Name``.
        package: the distribution that brings it, and its version.
        entry: to import it.
        folder: of a package that is not installed; None for one that is.
    """

    kind: str
    name: str
    value: str
    package: str
    version: str
    entry: EntryPoint
    folder: Path | None = None

    def load(self) -> object:
        """The spec's class, or the model's card.

        Raises:
            Fault: it does not import, or is something else; names file and line.
        """
        home = str(self.folder.resolve()) if self.folder is not None else None
        try:
            loaded: object = self.entry.load()
        except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
            raise fault(error, home) from None
        base = BASES[f"{self.kind}s"]
        if isinstance(loaded, ModelCard) and base is ModelCard:
            return loaded
        if not (base is not ModelCard and isinstance(loaded, type) and issubclass(loaded, base)):
            raise Fault(f"{self.value} is no {base.__name__}")
        return loaded

    def about(self) -> str:
        """The first line of what it says of itself. Raises Fault as `load` does."""
        loaded = self.load()
        if isinstance(loaded, ModelCard):
            return loaded.description
        text = getdoc(loaded) if isinstance(loaded, type) and loaded.__doc__ else ""
        return (text or "").partition("\n")[0]


def installed() -> list[Plugin]:
    """Every plug-in that is installed, the built-in ones among them."""
    return [
        _plugin(group, entry)
        for group in BASES
        for entry in sorted(entry_points(group=f"livelens.{group}"), key=lambda each: each.name)
    ]


def named(name: str) -> list[Plugin]:
    """The installed plug-ins of that name.

    Raises:
        NotFound: there is none.
    """
    everything = installed()
    if found := [plugin for plugin in everything if plugin.name == name]:
        return found
    names = ", ".join(sorted({plugin.name for plugin in everything if plugin.kind != "model"}))
    raise NotFound(f"no plug-in and no folder {name!r}; there are {names}")


def in_folder(folder: Path) -> list[Plugin]:
    """The plug-ins that the `pyproject.toml` of a folder names, for this process as if installed.

    Raises:
        ConfigError: there is no such file, or it names none.
    """
    project = _project(folder)
    entries = list(_entries(project, folder))
    name, version = str(project.get("name", folder.name)), str(project.get("version", "0"))
    here = {(each.kind, each.name, each.value) for each in installed()}
    if all((group[:-1], entry.name, entry.value) in here for group, entry in entries):
        return [_plugin(group, entry, name, version) for group, entry in entries]
    _lay(folder, name, version, [entry for _, entry in entries])
    return [_plugin(group, entry, name, version, folder) for group, entry in entries]


def _project(folder: Path) -> Mapping[str, object]:
    file = folder / "pyproject.toml"
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from None
    project = data.get("project")
    return project if isinstance(project, dict) else {}


def _entries(project: Mapping[str, object], folder: Path) -> Iterator[tuple[str, EntryPoint]]:
    groups = project.get("entry-points")
    found = False
    for group, entries in groups.items() if isinstance(groups, dict) else ():
        short = group.removeprefix("livelens.")
        if short in BASES and short != group and isinstance(entries, dict):
            for name, value in entries.items():
                found = True
                yield short, EntryPoint(name, str(value), group)
    if not found:
        wanted = ", ".join(f"livelens.{group}" for group in BASES)
        raise ConfigError(f"{folder / 'pyproject.toml'}: names no entry point of {wanted}")


def _lay(folder: Path, name: str, version: str, entries: list[EntryPoint]) -> None:
    """Make the package known to this process as if `pip install -e` had been run."""
    scratch = Path(tempfile.mkdtemp(prefix="livelens-plugin-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    told = scratch / f"{name.replace('-', '_')}-{version}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups: dict[str, list[str]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(f"{entry.name} = {entry.value}")
    text = "".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items())
    (told / "entry_points.txt").write_text(text)
    code = folder / "src" if (folder / "src").is_dir() else folder
    sys.path[:0] = [str(code.resolve()), str(scratch)]
    invalidate_caches()
    plugins.installed.cache_clear()


def _plugin(
    group: str,
    entry: EntryPoint,
    package: str = "",
    version: str = "",
    folder: Path | None = None,
) -> Plugin:
    if entry.dist is not None:
        package, version = entry.dist.name, entry.dist.version
    return Plugin(group[:-1], entry.name, entry.value, package, version, entry, folder)
