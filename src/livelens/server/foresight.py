"""What can be known of a pipeline before it is started: that it cannot work.

Cheap: names are looked up and files looked for, nothing is opened or fetched.
"""

from collections.abc import Sequence
from pathlib import Path

import structlog

from livelens.descriptor import DescriptorSpec
from livelens.errors import ConfigError, Forbidden, NotFound, SourceError, StageError
from livelens.models import zoo
from livelens.models.added import looks_like_path
from livelens.plugins import named
from livelens.server.config import Faces
from livelens.sources.file import File
from livelens.sources.upload import Upload
from livelens.spec import PipelineSpec, StageSpec
from livelens.stages.detect import Detect
from livelens.stages.track import Track

log = structlog.get_logger(__name__)


FACES_OFF = "recognising faces is off: `faces: {enabled: true}` in the configuration switches it on"


def check_switched_on(spec: PipelineSpec, settings: Faces) -> None:
    """Refuse a stream from the API that recognises faces where that is off. Raises Forbidden."""
    if not settings.enabled and any(named(stage) == "identity" for stage in spec.stages):
        raise Forbidden(FACES_OFF)


def check_possible(spec: PipelineSpec) -> None:
    """Refuse what would fail as soon as it is started. Blocks: it looks at the disk.

    Raises:
        SourceError: the file to be served is not there.
        StageError, ConfigError: as of `check_stages`.
    """
    if isinstance(spec.source, File) and not Path(spec.source.path).expanduser().exists():
        raise SourceError(f"no file {spec.source.path} - at $.source")
    if isinstance(spec.source, Upload) and not spec.source.path.is_file():
        raise SourceError(f"there is no upload {spec.source.name!r} - at $.source")
    check_stages(spec.stages)


def check_stages(stages: Sequence[StageSpec]) -> None:
    """Refuse detectors that cannot be opened, warn of descriptors that will have nothing to do.

    Blocks: it looks at the disk.

    Raises:
        StageError: a detector's model is not there.
        ConfigError: a model is no detector, or knows no such class.
    """
    for i, stage in enumerate(stages):
        if isinstance(stage, Detect):
            _check_detector(stage, f"$.stages[{i}]")
    for stage in _idle(stages):
        log.warning(
            "no detector before the tracker finds what is to be described",
            stage=stage.name or named(stage),
            classes=", ".join(stage.classes or stage.describes),
        )


def _idle(stages: Sequence[StageSpec]) -> list[DescriptorSpec]:
    """Descriptors of classes that are never tracked, as far as that can be known."""
    found: set[str] = set()
    tracked: set[str] = set()
    idle: list[DescriptorSpec] = []
    for stage in stages:
        if isinstance(stage, Detect):
            if looks_like_path(stage.model) or stage.labels is not None:
                return idle
            found |= set(stage.classes or zoo.model_card(stage.model).labels)
        elif isinstance(stage, Track):
            tracked = set(found)
        elif isinstance(stage, DescriptorSpec):
            classes = stage.describes if stage.classes is None else stage.classes
            if classes and tracked.isdisjoint(classes):
                idle.append(stage)
        elif stage.gives & {"detections", "tracks"}:
            return idle  # a plug-in: who knows what it finds
    return idle


def _check_detector(stage: Detect, path: str) -> None:
    if looks_like_path(stage.model):
        if not Path(stage.model).is_file():
            raise StageError(f"no model file {stage.model} - at {path}.model")
        return
    try:
        card = zoo.model_card(stage.model)
    except NotFound:
        known = ", ".join(m.card.name for m in zoo.list_models() if m.card.task == "detect")
        raise StageError(
            f"no detector {stage.model!r}; there are {known} - at {path}.model"
        ) from None
    if card.task != "detect":
        raise ConfigError(f"the model {stage.model!r} is no detector - at {path}.model")
    if stage.labels is not None:
        return
    for name in stage.classes or ():
        if name not in card.labels:
            known = ", ".join(filter(None, card.labels))
            raise ConfigError(
                f"the model {stage.model!r} has no class {name!r}; it has: {known}"
                f" - at {path}.classes"
            )
