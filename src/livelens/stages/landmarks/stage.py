"""The stage that finds points on bodies, faces and hands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec

from livelens.clock import nanoseconds
from livelens.models.runner import Precision, RuntimeName
from livelens.spec import StageSpec
from livelens.stages.landmarks.watch import Readers, Rules, Watch
from livelens.types import Item

if TYPE_CHECKING:
    from livelens.models.detector import Detector
    from livelens.models.network import Network

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
_FORGET_S = 0.5


class FindLandmarks(StageSpec, frozen=True, kw_only=True):
    """Finds points on people: 33 of the body, 21 of each hand, 478 of the face.

    Attributes:
        parts: which of them.
        max_people: the most that are followed at once.
        body_model: `full` is finer than `lite` and takes half as long again.
        refine_face: find the irises, and the lids more exactly; without, a face has 468 points.
        confidence: least confidence at which a body, a face or a palm is found; None is each
            detector's own.
        presence: least score at which a part that was found is followed further.
        visibility: a hand is sought only at a wrist that is seen as well as this.
        smooth: keep points still that hardly move.
        every: 1 looks at every frame; `auto` at as many as there is time for, the others go on
            at once without points, and their `undetected` names the stage.
        search_s: how often to look for more people, or lost hands and faces, while some are
            followed.
        runtime: what runs the models, `auto` chooses.
        device: where they run.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"landmarks"})
    models: ClassVar[tuple[str, ...]] = (
        "body-blaze", "body-points", "palm-blaze", "hand-points", "face-blaze", "face-mesh",
        "iris-points",
    )  # fmt: skip

    parts: tuple[Literal["body", "hands", "face"], ...] = ("body", "hands", "face")
    max_people: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    body_model: Literal["lite", "full"] = "lite"
    refine_face: bool = True
    confidence: Ratio | None = None
    presence: Ratio = 0.5
    visibility: Ratio = 0.5
    smooth: bool = True
    every: Literal[1, "auto"] = 1
    search_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.2
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if self.workers != 1:
            raise ValueError("points are followed from frame to frame: workers must be 1")
        if not self.parts:
            raise ValueError("parts must name body, hands or face")

    @property
    def passes_over(self) -> bool:
        """Whether frames go on at once while points are sought on another."""
        return self.every == "auto"

    def passed_over(self, item: Item) -> Item:
        """The item of a frame that nobody looks at."""
        return item.with_(undetected=item.undetected | {self.name or "landmarks"})

    def open(self) -> "LandmarkStage":
        """Load the models and warm them up.

        Raises:
            ModelError: a model cannot be had or loaded.
        """
        rules = Rules(
            max_people=self.max_people,
            presence=self.presence,
            visibility=self.visibility,
            search_ns=nanoseconds(self.search_s),
            forget_ns=nanoseconds(_FORGET_S),
            smooth=self.smooth,
        )
        return LandmarkStage(Watch(self._readers(), rules))

    def _readers(self) -> Readers:
        from livelens.stages.landmarks.body import BodyReader
        from livelens.stages.landmarks.face import FaceReader
        from livelens.stages.landmarks.hands import HandReader

        body = face = hand = None
        if "body" in self.parts:
            name = "body-points" if self.body_model == "lite" else "body-points-full"
            body = BodyReader(self._network(name), self._detector("body-blaze"))
        if "face" in self.parts:
            iris = self._network("iris-points") if self.refine_face else None
            face = FaceReader(self._network("face-mesh"), self._detector("face-blaze"), iris)
        if "hands" in self.parts:
            network = self._network("hand-points")
            hand = HandReader(network, self._detector("palm-blaze"), self.presence)
        return Readers(body, face, hand)

    def _network(self, name: str) -> "Network":
        from livelens.models import zoo

        network = zoo.network(
            name,
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        network.warm_up()
        return network

    def _detector(self, name: str) -> "Detector":
        from livelens.models import zoo

        detector = zoo.load(
            name,
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
            confidence=self.confidence,
        )
        detector.warm_up()
        return detector


class LandmarkStage:
    """Finds landmarks in the frames of one stream."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def process(self, items: Sequence[Item]) -> list[Item]:
        """The items with the landmarks of their frames; none where nobody is."""
        return [item.with_(landmarks=self._watch.update(item.frame)) for item in items]

    def close(self) -> None:
        """Free the models."""
        self._watch.close()
