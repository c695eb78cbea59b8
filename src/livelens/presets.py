"""Chains of stages under a name, for the server's configuration and the command line.

None of them recognises persons: identity is something that somebody switches on by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from livelens import plugins
from livelens.errors import ConfigError

Stages = Sequence[Mapping[str, Any]]

FACE_DETECTOR = "face"
# Live frames that find a detector busy go on, with the boxes where the tracker expects them.
_DETECT: Mapping[str, Any] = {"type": "detect", "every": "auto"}
_FACE: Stages = ({**_DETECT, "model": FACE_DETECTOR},)
# NanoDet finds the small persons and the vehicles seen from above that coco-ssd misses:
# docs/detection.md, docs/flux.md.
_PERSON: Stages = ({**_DETECT, "model": "nanodet", "classes": ["person"], "confidence": 0.5},)
_VEHICLES: Stages = (
    {
        **_DETECT,
        "model": "nanodet",
        "classes": ["car", "bus", "truck", "motorcycle", "bicycle"],
        "confidence": 0.2,
    },
)
_TRACK: Stages = ({"type": "track"},)
# What is found weakly is a vehicle if it is found again and again. Cars from right above want
# less still, at the price of more that are none: docs/flux.md.
_TRACK_VEHICLES: Stages = (
    {"type": "track", "activation_confidence": 0.3, "high_confidence": 0.3,
     "keep_untracked": False},
)  # fmt: skip
# What a camera operator would follow. coco-ssd misses no more of a near subject than those that
# take twice its time: docs/framing.md.
SUBJECTS = (
    "person",
    *("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
    "sports ball",
)
_SUBJECTS: Mapping[str, Any] = {"type": "detect", "model": "coco-ssd", "classes": [*SUBJECTS]}
# A small detector of faces: with both, each frame is looked at on two cores.
_SUBJECTS_LIVE: Stages = (
    {**_SUBJECTS, "every": "auto"},
    {**_DETECT, "model": "face-blaze"},
)
_SUBJECTS_OF_FILE: Stages = (_SUBJECTS, {"type": "detect", "model": FACE_DETECTOR})
_GRID: Mapping[str, Any] = {"type": "flux", "grid": {}}
_LANDMARKS: Stages = ({"type": "landmarks", "every": "auto"},)
FACE_DESCRIPTORS = ("age-gender", "emotion", "head-pose", "glasses")


def _types(*names: str) -> Stages:
    return tuple({"type": name} for name in names)


_ALL: Mapping[str, Stages] = {
    "default": (),
    "faces": (*_FACE, *_TRACK, *_types(*FACE_DESCRIPTORS)),
    "people": (*_PERSON, *_TRACK, *_types("pose", "clothing")),
    "traffic": (*_VEHICLES, *_TRACK_VEHICLES, *_types("vehicle"), _GRID),
    "landmarks": _LANDMARKS,
    "everything": (
        {**_DETECT, "model": "coco-ssd"},
        *_FACE,
        *_TRACK,
        *_types(*FACE_DESCRIPTORS, "clothing", "pose", "vehicle"),
        _GRID,
        *_LANDMARKS,
    ),
    "follow": (*_SUBJECTS_LIVE, *_TRACK, {"type": "reframe", "aspect": "9:16"}),
}

DESCRIPTIONS: Mapping[str, str] = {
    "default": "pictures only, nothing is sought",
    "faces": "faces with age, gender, emotion, head pose and glasses",
    "people": "persons with their pose and clothing",
    "traffic": "vehicles with type, direction and how many pass where",
    "landmarks": "points on bodies, faces and hands",
    "everything": "all of these at once, for powerful machines",
    "follow": "an upright picture that follows a person, an animal or a ball",
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


def extended(
    stages: object,
    *,
    detect: Stages,
    track: str | None,
    describe: Stages,
    landmarks: bool,
) -> object:
    """A list of stages with more of them, in an order that works.

    Detectors come first, then the tracker, then what describes its tracks. Descriptors bring
    a tracker if there is none; a tracker that is named takes the place of the one there is.

    Args:
        stages: as a configuration writes them; what is no list is returned as it came.
        detect: whole detectors.
        track: the tracker's name.
        describe: whole descriptors; one that is there already is not added again.
        landmarks: whether points on bodies, faces and hands are found, too.
    """
    if not isinstance(stages, list | tuple):
        return stages
    kinds = [stage.get("type") if isinstance(stage, Mapping) else stage for stage in stages]
    chain: list[object] = list(stages)
    if track is not None and "track" in kinds:
        chain[kinds.index("track")] = {"type": "track", "tracker": track}
    elif track is not None or (describe and "track" not in kinds):
        tracker = {"type": "track", "tracker": track} if track is not None else {"type": "track"}
        chain = [*chain, *detect, tracker]
        detect = ()
    if detect:
        place = kinds.index("track") if "track" in kinds else len(chain)
        chain[place:place] = detect
    chain += [each for each in describe if each["type"] not in kinds]
    if landmarks and "landmarks" not in kinds:
        chain.append({"type": "landmarks"})
    return chain


def reframed(
    stages: object,
    settings: Mapping[str, Any],
    *,
    live: bool,
    subject: str | None = None,
    detector: Mapping[str, Any] | None = None,
) -> object:
    """A list of stages that frames a subject: with detectors and a tracker where it lacks them.

    Args:
        stages: as a configuration writes them; what is no list is returned as it came.
        settings: of the stage `reframe`; where there is one, they go over its own.
        live: whether the source is: detectors that keep up then, else those that see more.
        subject: a class that must be found.
        detector: settings of the detectors that are added.
    """
    if not isinstance(stages, list | tuple):
        return stages
    chain: list[Any] = [{"type": each} if isinstance(each, str) else each for each in stages]
    kinds = [stage.get("type") if isinstance(stage, Mapping) else None for stage in chain]
    if "reframe" in kinds:
        place = kinds.index("reframe")
        chain[place] = {**chain[place], **settings}
        return chain
    if not any("detections" in _gives(kind) for kind in kinds):
        added = _subject_detectors(subject, live=live)
        chain = [*({**each, **(detector or {})} for each in added), *chain]
    if "track" not in kinds:
        chain += _TRACK
    return [*chain, {"type": "reframe", **settings}]


def _gives(kind: object) -> frozenset[str]:
    entry = plugins.known_stages().get(str(kind))
    return getattr(entry.load(), "gives", frozenset()) if entry is not None else frozenset()


def _subject_detectors(subject: str | None, *, live: bool) -> Stages:
    objects, faces = _SUBJECTS_LIVE if live else _SUBJECTS_OF_FILE
    if subject is None or subject == "person":  # whose face tells where the head is
        return objects, faces
    if subject == "face":
        return (faces,)
    return ({**objects, "classes": [subject]},)
