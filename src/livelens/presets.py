"""Chains of stages under a name, for the server's configuration and the command line.

None of them recognises persons: identity is something that somebody switches on by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from livelens import plugins
from livelens.errors import ConfigError

Stages = Sequence[Mapping[str, Any]]

_FACE: Stages = ({"type": "detect", "model": "face-blaze"},)
_PERSON: Stages = ({"type": "detect", "model": "coco-ssd", "classes": ["person"]},)
_VEHICLES: Stages = (
    # ByteTrack weeds out what is found weakly once; so let it see weak finds.
    {
        "type": "detect",
        "model": "coco-ssd",
        "classes": ["car", "bus", "truck", "motorcycle", "bicycle"],
        "confidence": 0.3,
    },
)
_TRACK: Stages = ({"type": "track"},)
FACE_DESCRIPTORS = ("age-gender", "emotion", "head-pose", "glasses")


def _types(*names: str) -> Stages:
    return tuple({"type": name} for name in names)


_ALL: Mapping[str, Stages] = {
    "default": (),
    "faces": (*_FACE, *_TRACK, *_types(*FACE_DESCRIPTORS)),
    "people": (*_PERSON, *_TRACK, *_types("pose", "clothing")),
    "traffic": (*_VEHICLES, *_TRACK, *_types("vehicle", "flux")),
    "landmarks": _types("landmarks"),
    "everything": (
        {"type": "detect", "model": "coco-ssd"},
        *_FACE,
        *_TRACK,
        *_types(*FACE_DESCRIPTORS, "clothing", "vehicle", "flux", "landmarks"),
    ),
}


def builtin() -> dict[str, dict[str, Any]]:
    """The presets by name, as a configuration writes them; those whose stages are installed."""
    known = plugins.known_stages()
    return {
        name: {"stages": [dict(stage) for stage in stages]}
        for name, stages in _ALL.items()
        if all(stage["type"] in known for stage in stages)
    }


def preset(name: str) -> dict[str, Any]:
    """One of `builtin`.

    Raises:
        ConfigError: there is none of that name; the message names those that there are.
    """
    known = builtin()
    if name not in known:
        raise ConfigError(f"there is no preset {name!r} ({', '.join(known)})")
    return known[name]
