"""What measures something about one object: age, emotion, clothing.

A descriptor is a class with two methods, `describe` and `close`, and its settings a
`DescriptorSpec`. The flow does the rest: it chooses which objects are due, cuts them out,
batches them over streams, smooths what comes back and forgets it with the track.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, Protocol, runtime_checkable

import msgspec

from livelens.crop import Crop
from livelens.spec import StageSpec
from livelens.types import Attribute, AttributeValue


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement.

    Attributes:
        value: number, word, yes or no, or points; None says that it cannot be told.
        score: confidence in 0..1; it weighs the reading against others of the same object.
        scores: of every alternative, where there are some; they sum to 1.
    """

    value: AttributeValue
    score: float = 1.0
    scores: Mapping[str, float] = field(default_factory=dict)


Description = Mapping[str, Reading]
"""Readings of one object by the name of the attribute; empty when nothing can be told."""


@runtime_checkable
class Descriptor(Protocol):
    """Describes objects. Plain synchronous code; owned by one worker."""

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """One description for every crop, in order. The crops may be of several streams."""

    def close(self) -> None:
        """Releases what `open` took."""


class DescriptorSpec(StageSpec, frozen=True, kw_only=True):
    """Base of every descriptor's settings.

    Class attributes:
        measures: names of the attributes that it can give.
        describes: names of the classes that it describes unless `classes` says otherwise.

    Attributes:
        classes: names of the classes to describe; None is what the descriptor is made for.
        refresh_s: an object that is known is described again after this long, or sooner when
            it is seen much better; 0 describes it whenever there is time.
        window_s: readings older than this no longer count in what is told.
        min_size_px: objects whose shorter side is smaller are not described.
        max_objects: the most that are described of one frame.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"tracks"})
    gives: ClassVar[frozenset[str]] = frozenset({"attributes"})
    scope: ClassVar[Literal["stream", "shared"]] = "shared"
    measures: ClassVar[tuple[str, ...]] = ()
    describes: ClassVar[tuple[str, ...]] = ()

    classes: tuple[str, ...] | None = None
    refresh_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 1.0
    window_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 5.0
    min_size_px: Annotated[int, msgspec.Meta(ge=1, le=10000)] = 24
    max_objects: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8

    # The flow makes a stage of it (flow/opening.py), which is what every other spec opens into.
    def open(self) -> Descriptor:
        """Open it; loads models. Called where the worker is, once for each worker.

        Raises:
            ConfigError, ModelError: it cannot be opened as configured.
        """
        raise NotImplementedError

    def concluded(self, attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        """The smoothed attributes of one object, with what follows from them; cheap."""
        return attributes
