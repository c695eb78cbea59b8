"""JSON Schema of settings, with what each of them means: forms are made from it."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec

_SECTION = re.compile(r"^Attributes:\n((?:(?:    .*)?\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w[\w, ]*): (.*(?:\n        .*)*)", re.MULTILINE)


def schema_of(spec: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a class, whose properties say what the docstrings say of them.

    Raises:
        TypeError: a type of its fields has no JSON Schema.
    """
    schema: dict[str, Any] = msgspec.json.schema(spec)
    inherited = dict(
        entry
        for base in reversed(spec.__mro__)
        for entry in _entries(base.__doc__ if "__doc__" in vars(base) else None)
    )
    own = schema["$ref"].rpartition("/")[2]
    for name, definition in schema["$defs"].items():
        told = inherited if name == own else dict(_entries(definition.get("description")))
        for key, field in definition.get("properties", {}).items():
            if key in told:
                field["description"] = told[key]
        if "description" in definition:
            definition["description"] = _without_section(definition["description"])
    return schema


def _entries(doc: str | None) -> Iterator[tuple[str, str]]:
    """What a docstring says of each attribute."""
    for section in _SECTION.finditer(inspect.cleandoc(doc or "")):
        for entry in _ENTRY.finditer(section[1]):
            text = " ".join(entry[2].split())
            for name in entry[1].split(","):
                yield name.strip(), text


def _without_section(doc: str) -> str:
    return _SECTION.sub("", inspect.cleandoc(doc)).strip()
