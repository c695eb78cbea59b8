"""Writes a package to begin with: a copy of one that works, under another name."""

import keyword
import re
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import packages_distributions
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from livelens import plugins
from livelens.errors import ConfigError, Conflict

Kind = Literal["descriptor", "detector", "stage"]

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_LONGEST_NAME = 32  # the lines of the templates stay within 100 characters
_CLASS = re.compile(r"\b[A-Z]\w+\b")


def create(kind: Kind, name: str, parent: Path) -> Path:
    """Writes the folder `name` with a plug-in that can be installed, tested and run as it is.

    Args:
        kind: what the plug-in is to be.
        name: its `type` in configurations; a-z, 0-9, '-' and '_'.
        parent: the folder to write it into; made if it is missing.

    Returns:
        The new folder.

    Raises:
        ConfigError: the name cannot be that of a plug-in, or the folder cannot be written.
        Conflict: the name is taken by a plug-in, a Python module, or a folder.
    """
    template = resources.files("livelens.authoring").joinpath("templates", kind)
    texts = dict(_files(template))
    words = _words(kind, name)
    _check_name(name, words[f"blank_{kind}"], words[f"Blank{kind.capitalize()}"], texts)
    folder = parent / name
    if folder.exists():
        raise Conflict(f"{folder} exists already: choose another name, or --to another folder")
    try:
        for path, text in texts.items():
            file = folder / _replaced(path, words)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_replaced(text, words), "utf-8")
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: {error.strerror}") from None
    return folder


def _words(kind: Kind, name: str) -> dict[str, str]:
    """What stands in the template, and what takes its place."""
    camel = "".join(part.capitalize() for part in re.split(r"[_-]", name))
    return {
        f"blank_{kind}": name.replace("-", "_"),
        f"livelens-blank-{kind}": f"livelens-{name.replace('_', '-')}",
        f"blank-{kind}": name,
        f"Blank{kind.capitalize()}": camel,
    }


def _replaced(text: str, words: dict[str, str]) -> str:
    # In one go, the longest first: a name may itself hold what stands in the template.
    pattern = "|".join(sorted(words, key=len, reverse=True))
    return re.sub(pattern, lambda found: words[found[0]], text)


def _check_name(name: str, module: str, class_name: str, texts: dict[str, str]) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ConfigError(
            f"{name!r} cannot name a plug-in: use a-z, 0-9 and single '-' or '_' between, a "
            f"letter first, {_LONGEST_NAME} at most"
        )
    for group in ("stages", "descriptors"):
        if (entry := plugins.installed(group).get(name)) is not None:
            raise Conflict(f"{name!r} is a {group[:-1]} already ({entry.value}): choose another")
    used = {word for text in texts.values() for word in _CLASS.findall(text)}
    if keyword.iskeyword(module) or keyword.issoftkeyword(module) or class_name in used:
        raise ConfigError(f"{name!r} means something else in Python code: choose another name")
    if find_spec(module) is not None:
        owner = next(iter(packages_distributions().get(module, ())), "Python")
        raise Conflict(f"{module!r} is a module of {owner} already: choose another name")


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Relative path and text of every file of a template."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            if not entry.name.startswith(("__pycache__", ".")):
                yield from _files(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith(".pyc"):
            yield f"{prefix}{entry.name}", entry.read_text("utf-8")
