"""Which objects of a result a reader wants."""

from dataclasses import dataclass

import msgspec
from starlette.requests import HTTPConnection

from livelens.errors import NotFound
from livelens.events import Message, Result
from livelens.flow.graph import stage_names
from livelens.spec import PipelineSpec, StageSpec
from livelens.stages.detect import Detect


@dataclass(frozen=True, slots=True)
class Filter:
    """What is kept of the objects; the rest of a message stays whole.

    Attributes:
        detectors: names of those whose objects are wanted; empty wants all.
        classes: names of classes, likewise.
        unnamed: objects that do not say who found them are wanted: a stage of a plug-in that
            is wanted does not write its name to them.
    """

    detectors: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    unnamed: bool = False

    def of(self, message: Message) -> Message:
        """The message with the wanted objects."""
        if not isinstance(message, Result) or not (self.detectors or self.classes):
            return message
        wanted = [
            each
            for each in message.objects
            if (not self.detectors or self._found(each.detector))
            and (not self.classes or each.class_name in self.classes)
        ]
        return msgspec.structs.replace(message, objects=wanted)

    def _found(self, detector: str) -> bool:
        return detector in self.detectors if detector else self.unnamed


EVERYTHING = Filter()


def filter_of(connection: HTTPConnection, spec: PipelineSpec) -> Filter:
    """The filter that `?detector=` and `?class=` ask for; both may be repeated.

    Raises:
        NotFound: the stream has no such detector; the message names those that it has.
    """
    query = connection.query_params
    finders = _finders(spec)
    for name in query.getlist("detector"):
        if name not in finders:
            names = ", ".join(finders) or "none"
            raise NotFound(f"the stream has no detector {name!r} ({names})")
    detectors = frozenset(query.getlist("detector"))
    others = any(name in detectors and not isinstance(finders[name], Detect) for name in finders)
    return Filter(detectors, frozenset(query.getlist("class")), unnamed=others)


def detectors_of(spec: PipelineSpec) -> list[str]:
    """Names of the stages that find objects, as results tell them."""
    return list(_finders(spec))


def _finders(spec: PipelineSpec) -> dict[str, StageSpec]:
    found: dict[str, StageSpec] = {}
    for stage, name in zip(spec.stages, stage_names(spec.stages), strict=True):
        if isinstance(stage, Detect):
            found[stage.name or stage.model] = stage
        elif "detections" in stage.gives and "detections" not in stage.needs:
            found[name] = stage
    return found
