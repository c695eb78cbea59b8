"""Tries a model of a plug-in that is no detector: pictures in, numbers out."""

from pathlib import Path

import numpy as np

from livelens.authoring.calls import Worker
from livelens.authoring.material import material
from livelens.authoring.report import Broken
from livelens.authoring.trial import Question, Times, alike
from livelens.models import zoo
from livelens.models.manifest import ModelCard
from livelens.models.network import Network
from livelens.picture import Pixels


def network_questions(
    card: ModelCard, home: Path | None, limit_s: float, max_ms: float | None
) -> list[Question]:
    """Questions to one model."""
    trial = _Trial(card, home, limit_s, max_ms)
    return [
        Question("loads as a model", trial.loads, "is the file where the card says?", True),
        Question("answers", trial.answers, "mean, std, color and layout in the card's input", True),
        Question("batch", trial.batch),
        Question("time", trial.time),
        Question("closing", trial.closes),
    ]


class _Trial:
    def __init__(
        self, card: ModelCard, home: Path | None, limit_s: float, max_ms: float | None
    ) -> None:
        self._card = card
        self._max_ms = max_ms
        self._worker = Worker(home, limit_s)
        self._network: Network
        self._pictures: list[Pixels] = []

    def loads(self) -> str:
        self._network = self._worker.call(lambda: zoo.network(self._card.name))
        width, height = self._network.input_size_px
        frames = [item.frame for item in material(()).items[:4]]
        self._pictures = [frame.picture.rgb_resized(width, height) for frame in frames]
        return f"{width}×{height}, on {self._network.device}"

    def answers(self) -> str:
        outputs = self._worker.call(lambda: self._network(self._pictures))
        for output in outputs:
            if len(output) != len(self._pictures):
                raise Broken(
                    f"an output of shape {output.shape} for {len(self._pictures)} pictures"
                )
            if not np.isfinite(output).all():
                raise Broken("its outputs are not finite")
        if all(np.ptp(output, axis=0).max(initial=0) == 0 for output in outputs):
            raise Broken("the same for every picture")
        return ", ".join("×".join(map(str, output.shape[1:])) or "1" for output in outputs)

    def batch(self) -> str:
        together = self._worker.call(lambda: self._network(self._pictures))
        for n, picture in enumerate(self._pictures):
            alone = self._worker.call(lambda p=picture: self._network([p]))  # type: ignore[misc]
            for one, all_ in zip(alone, together, strict=True):
                if not alike(one[0].tolist(), all_[n].tolist()):
                    raise Broken(f"picture {n} alone: other outputs than among others")
        return f"{len(self._pictures)} at once as one by one"

    def time(self) -> str:
        times = Times.of(
            lambda n: self._worker.call(lambda: self._network([self._pictures[n % 4]])), 12
        )
        times.within(self._max_ms)
        return f"{times} per picture"

    def closes(self) -> str:
        self._worker.call(self._network.close)
        self._worker.end()
        return "released"
