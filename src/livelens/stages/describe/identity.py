"""Who somebody is, of those who have been enrolled (docs/identity.md); off unless configured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from livelens.crop import Crop
from livelens.descriptor import Description, DescriptorSpec, Reading
from livelens.errors import ConfigError, GalleryError
from livelens.faces.chip import face_points, pose
from livelens.faces.embedding import KIND, Embedder, evidence
from livelens.faces.gallery import UNKNOWN, Gallery, Watched, default_path
from livelens.models.runner import Precision, RuntimeName

log = structlog.get_logger(__name__)

# A face seen less well than this resembles nobody, those it belongs to least of all.
_LEAST_EYES_PX = 12.0
_MOST_TURN = 0.6

_ALTERNATIVES = 3


class Identity(DescriptorSpec, frozen=True, kw_only=True):
    """Recognises faces that have been enrolled with `livelens faces enroll`.

    `identity` is a name or "unknown"; its `scores` are the probabilities of the three who are
    most alike and of "unknown", had everybody the same chance to be seen. Wants a detector
    that gives keypoints of faces. Who is enrolled or removed meanwhile is known or forgotten
    with the next reading.

    Attributes:
        gallery: the file; None is the one in the user's data folder.
        threshold: how alike a face must be to be called by a name; higher mistakes strangers
            more seldom, and knows those who are enrolled less often.
        runtime: what runs the models, `auto` chooses.
        device: where they run.
        threads: CPU threads; 0 leaves the number to the runtime.
        precision: arithmetic; `auto` takes the fastest that the device does well.
    """

    measures: ClassVar[tuple[str, ...]] = ("identity",)
    describes: ClassVar[tuple[str, ...]] = ("face",)
    models: ClassVar[tuple[str, ...]] = ("face-dlib", "face-hse")

    gallery: str | None = None
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    runtime: RuntimeName = "auto"
    device: str = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    precision: Precision = "auto"

    def open(self) -> "Recognition":
        """Load the gallery and the networks.

        Raises:
            ConfigError: the gallery cannot be used.
            DownloadError, ModelError: a network cannot be had or loaded.
        """
        path = Path(self.gallery).expanduser() if self.gallery else default_path()
        try:
            watched = Watched(path, KIND)
        except GalleryError as error:
            raise ConfigError(str(error)) from error
        if not watched.current().people:
            log.warning("everybody is unknown until somebody is enrolled", gallery=str(path))
        embedder = Embedder(
            runtime=self.runtime,
            device=self.device,
            threads=self.threads,
            precision=self.precision,
        )
        return Recognition(watched, embedder, self.threshold)


class Recognition:
    """Compares faces with a gallery."""

    def __init__(self, gallery: Watched, embedder: Embedder, threshold: float) -> None:
        self._watched = gallery
        self._embedder = embedder
        self._threshold = threshold
        self._known = _Known(Gallery.empty())
        self._said = False

    def describe(self, crops: Sequence[Crop]) -> list[Description]:
        """A name for each face; nothing for one that is seen too badly to tell."""
        gallery = self._watched.current()
        if gallery is not self._known.gallery:
            self._known = _Known(gallery)
        if not self._said and any(crop.keypoints is None for crop in crops):
            self._said = True
            log.warning("faces without keypoints cannot be recognised: use the detector face, say")
        clear = [index for index, crop in enumerate(crops) if _clear(crop)]
        descriptions: list[Description] = [{} for _ in crops]
        if not self._known.names:
            for index in clear:
                descriptions[index] = {"identity": Reading(UNKNOWN, 1.0, {UNKNOWN: 1.0})}
            return descriptions
        embeddings = self._embedder([crops[index] for index in clear])
        for index, embedding in zip(clear, embeddings, strict=True):
            reading = self._known.reading(embedding, self._threshold)
            descriptions[index] = {"identity": reading}
        return descriptions

    def close(self) -> None:
        """Free the networks."""
        self._embedder.close()


class _Known:
    """A gallery as one matrix."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.names = list(gallery.people)
        means = [person.mean for person in gallery.people.values()]
        self._means = np.stack(means) if means else np.empty((0, KIND.size), np.float32)

    def reading(self, embedding: NDArray[np.float32], threshold: float) -> Reading:
        """Who it is, with the probabilities of the nearest and of being a stranger.

        A stranger has the evidence 0, by the meaning of the threshold: whoever has more is
        likelier. Two who look alike share what there is between them.
        """
        cosines = self._means @ embedding
        nearest = np.argsort(-cosines)[:_ALTERNATIVES]
        odds = {self.names[i]: np.exp(evidence(float(cosines[i]), threshold)) for i in nearest}
        total = 1 + sum(odds.values())
        scores = {name: float(each / total) for name, each in odds.items()}
        scores[UNKNOWN] = float(1 / total)
        value = max(scores, key=lambda name: scores[name])
        return Reading(value, scores[value], scores)


def _clear(crop: Crop) -> bool:
    points = face_points(crop)
    if points is None:
        return False
    seen = pose(points)
    return seen.eyes_px >= _LEAST_EYES_PX and abs(seen.turn) <= _MOST_TURN
