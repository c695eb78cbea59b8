"""Which objects of a result a reader wants."""

from dataclasses import dataclass

import msgspec
from starlette.requests import HTTPConnection

from livelens.errors import NotFound
from livelens.events import Message, Result
from livelens.flow.graph import stage_names
from livelens.spec import PipelineSpec
from livelens.stages.detect import Detect


@dataclass(frozen=True, slots=True)
class Filter:
    """What is kept of the objects; the rest of a message stays whole.

    Attributes:
        detectors: names of those whose objects are wanted; empty wants all.
        classes: names of classes, likewise.
    """

    detectors: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()

    def of(self, message: Message) -> Message:
        """The message with the wanted objects."""
        if not isinstance(message, Result) or not (self.detectors or self.classes):
            return message
        wanted = [
            each
            for each in message.objects
            if (not self.detectors or each.detector in self.detectors)
            and (not self.classes or each.class_name in self.classes)
        ]
        return msgspec.structs.replace(message, objects=wanted)


EVERYTHING = Filter()


def filter_of(connection: HTTPConnection, spec: PipelineSpec) -> Filter:
    """The filter that `?detector=` and `?class=` ask for; both may be repeated.

    Raises:
        NotFound: the stream has no such detector; the message names those that it has.
    """
    query = connection.query_params
    known = detectors_of(spec)
    for name in query.getlist("detector"):
        if name not in known:
            names = ", ".join(known) or "none"
            raise NotFound(f"the stream has no detector {name!r} ({names})")
    return Filter(frozenset(query.getlist("detector")), frozenset(query.getlist("class")))


def detectors_of(spec: PipelineSpec) -> list[str]:
    """Names of the stages that find objects, as results tell them."""
    found = []
    for stage, name in zip(spec.stages, stage_names(spec.stages), strict=True):
        if isinstance(stage, Detect):
            found.append(stage.name or stage.model)
        elif "detections" in stage.gives and "detections" not in stage.needs:
            found.append(name)
    return list(dict.fromkeys(found))
