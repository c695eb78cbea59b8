"""JSON Schemas that say what each setting means."""

from typing import Any

import msgspec

from livelens.server.schemas import schema_of
from livelens.stages.detect import Detect
from livelens.stages.flux.stage import Flux


def properties(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][name]["properties"]
    return found


def test_settings_say_what_they_mean_those_of_the_base_class_too() -> None:
    fields = properties(schema_of(Detect), "Detect")
    assert fields["confidence"]["description"].startswith("lowest confidence to keep")
    assert fields["workers"]["description"].startswith("threads that work on it")
    # Over two lines in the docstring.
    assert fields["labels"]["description"].endswith("a label set of the zoo.")
    assert all(field.get("description") for field in fields.values())


def test_the_description_of_a_class_does_not_repeat_its_settings() -> None:
    schema = schema_of(Flux)
    assert schema["$defs"]["Flux"]["description"].startswith("Counts tracked objects")
    assert "Attributes:" not in str(schema)
    assert properties(schema, "Line")["end"]["description"] == "[x, y]."


def test_what_has_no_docstring_has_no_descriptions() -> None:
    class Plain(msgspec.Struct):
        size: int = 1

    fields = properties(schema_of(Plain), "Plain")
    assert fields == {"size": {"type": "integer", "default": 1}}
