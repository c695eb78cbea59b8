"""From plain data to specs, through entry points.

Built-ins register as plug-ins do. A class is imported when its name is used, so
a broken plug-in is fatal only to those who use it, and start-up stays short.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from livelens.errors import ConfigError
from livelens.spec import PipelineSpec, SinkSpec, SourceSpec, StageSpec

Spec = TypeVar("Spec", SourceSpec, StageSpec, SinkSpec)


@cache
def installed(group: str) -> dict[str, EntryPoint]:
    """The entry points of `livelens.<group>` by name, not yet imported.

    Looked for once: it reads the metadata of every installed package.
    """
    return {entry.name: entry for entry in entry_points(group=f"livelens.{group}")}


def source(data: object, path: str = "$") -> SourceSpec:
    """A source spec from a URL, a file's path, or a mapping with a `type`.

    Raises:
        ConfigError: names what is wrong and where.
    """
    if isinstance(data, SourceSpec):
        return data
    if not isinstance(data, str):
        return _tagged(data, "sources", SourceSpec, path)
    scheme, separator, _ = data.partition("://")
    if not separator:
        scheme = "file"
    known = installed("schemes")
    if scheme.lower() not in known:
        raise ConfigError(
            f"no source opens {scheme!r} URLs ({', '.join(sorted(known))}) - at {path}"
        )
    try:
        return _load(known[scheme.lower()], SourceSpec, path).from_url(data)
    except ConfigError as error:
        raise ConfigError(f"{error} - at {path}") from None


def stage(data: object, path: str = "$") -> StageSpec:
    """A stage spec from a type's name or a mapping with a `type`. Raises ConfigError."""
    if isinstance(data, StageSpec):
        return data
    return _tagged({"type": data} if isinstance(data, str) else data, "stages", StageSpec, path)


def known_stages() -> dict[str, EntryPoint]:
    """Stages and descriptors by name: both stand in a pipeline's `stages`."""
    return {**installed("descriptors"), **installed("stages")}


def sink(data: object, path: str = "$") -> SinkSpec:
    """A sink spec from a type's name or a mapping with a `type`. Raises ConfigError."""
    if isinstance(data, SinkSpec):
        return data
    if isinstance(data, str):
        data = {"type": data}
    if isinstance(data, Mapping) and data.get("overlay") is not None:
        drawn = data["overlay"]
        drawn = "overlay" if drawn is True else drawn
        overlay = None if drawn is False else stage(drawn, f"{path}.overlay")
        data = {key: value for key, value in data.items() if key != "overlay"}
        return msgspec.structs.replace(_tagged(data, "sinks", SinkSpec, path), overlay=overlay)
    return _tagged(data, "sinks", SinkSpec, path)


def pipeline(data: object, path: str = "$") -> PipelineSpec:
    """A pipeline spec from a mapping. Raises ConfigError naming the path."""
    if isinstance(data, PipelineSpec):
        return data
    if not isinstance(data, Mapping):
        raise ConfigError(f"expected a mapping, got {type(data).__name__} - at {path}")
    if "source" not in data:
        raise ConfigError(f"missing the key 'source' - at {path}")
    fields = dict(data)
    fields["source"] = source(fields["source"], f"{path}.source")
    for key, build in (("stages", stage), ("sinks", sink)):
        entries = fields.get(key, [])
        if not isinstance(entries, list | tuple):
            raise ConfigError(f"expected a list, got {type(entries).__name__} - at {path}.{key}")
        fields[key] = tuple(build(e, f"{path}.{key}[{i}]") for i, e in enumerate(entries))
    known = {field.name: field.type for field in msgspec.structs.fields(PipelineSpec)}
    for key in set(fields) - {"source", "stages", "sinks"}:
        if key not in known:
            raise ConfigError(f"Object contains unknown field `{key}` - at {path}")
        fields[key] = converted(fields[key], known[key], f"{path}.{key}")
    return PipelineSpec(**fields)


Target = TypeVar("Target")


def converted(data: object, target: type[Target], path: str) -> Target:
    """`msgspec.convert` whose errors are one line and carry the whole path.

    Raises:
        ConfigError: what is wrong and where.
    """
    try:
        return msgspec.convert(data, target, from_attributes=False)
    except (msgspec.ValidationError, ValueError) as error:
        text, place = str(error), ""
        if (at := re.search(r" - at `\$(.*)`$", text)) is not None:
            text, place = text[: at.start()], at[1]
        if text.startswith("Invalid enum value") and (choices := _choices(target, place)):
            text += f" ({', '.join(choices)})"
        raise ConfigError(f"{text} - at {path}{place}") from None


def _choices(target: type, place: str) -> list[str]:
    """What may stand at a place such as `.parts[0]` of this type, where that is a few words."""
    kinds = _alternatives([msgspec.inspect.type_info(target)])
    for name in re.findall(r"\.(\w+)|\[", place):
        kinds = _alternatives(
            [f.type for kind in kinds for f in getattr(kind, "fields", ()) if f.name == name]
            if name
            else [kind.item_type for kind in kinds if hasattr(kind, "item_type")]
        )
    words = [str(v) for kind in kinds for v in getattr(kind, "values", ())]
    numbers = (msgspec.inspect.IntType, msgspec.inspect.FloatType)
    return [*words, *("a number" for kind in kinds if isinstance(kind, numbers))]


def _alternatives(kinds: list[msgspec.inspect.Type]) -> list[msgspec.inspect.Type]:
    return [
        each
        for kind in kinds
        for each in (kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,))
    ]


def named(spec: SourceSpec | StageSpec | SinkSpec) -> str:
    """The `type` under which this spec's class is registered, or its class name in lower case."""
    if isinstance(spec, StageSpec):
        known = known_stages()
    else:
        known = installed("sources" if isinstance(spec, SourceSpec) else "sinks")
    target = f"{type(spec).__module__}:{type(spec).__qualname__}"
    for entry in known.values():
        if entry.value == target:
            return entry.name
    return type(spec).__name__.lower()


def as_data(spec: SourceSpec | StageSpec | SinkSpec | PipelineSpec) -> dict[str, Any]:
    """The mapping that `source`, `stage`, `sink` or `pipeline` would read back."""
    if isinstance(spec, PipelineSpec):
        return {
            "source": as_data(spec.source),
            "stages": [as_data(each) for each in spec.stages],
            "sinks": [as_data(each) for each in spec.sinks],
            "max_delay_s": spec.max_delay_s,
            "on_error": spec.on_error,
        }
    data: dict[str, Any] = {"type": named(spec)}
    for field in msgspec.structs.fields(spec):
        value = getattr(spec, field.name)
        data[field.name] = (
            as_data(value) if isinstance(value, StageSpec) else msgspec.to_builtins(value)
        )
    return data


def _tagged(data: object, group: str, base: type[Spec], path: str) -> Spec:
    if not isinstance(data, Mapping):
        raise ConfigError(f"expected a mapping, got {type(data).__name__} - at {path}")
    kind = data.get("type")
    known = known_stages() if group == "stages" else installed(group)
    if kind is None:
        raise ConfigError(f"missing the key 'type' ({', '.join(sorted(known))}) - at {path}")
    if kind not in known:
        raise ConfigError(
            f"no {group[:-1]} is called {kind!r} ({', '.join(sorted(known))}) - at {path}.type"
        )
    rest = {key: value for key, value in data.items() if key != "type"}
    return converted(rest, _load(known[kind], base, path), path)


def _load(entry: EntryPoint, base: type[Spec], path: str) -> type[Spec]:
    try:
        loaded = entry.load()
    except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way while importing
        raise ConfigError(f"the plug-in {entry.value} does not load: {error} - at {path}") from None
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        raise ConfigError(f"the plug-in {entry.value} is no {base.__name__} - at {path}")
    return loaded


def read_yaml(file: Path) -> object:
    """The contents of a YAML file.

    Raises:
        ConfigError: it cannot be read or parsed; names file, line and column.
    """
    import yaml

    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not a UTF-8 text file") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise ConfigError(f"{file}{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {' '.join(str(error).split())}") from None
