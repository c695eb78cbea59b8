"""Each promise of a stage that is broken is named."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import supervision as sv

from livelens.authoring.material import Material, material
from livelens.authoring.report import Check
from livelens.authoring.stages import StageTrial
from livelens.authoring.trial import asked
from livelens.errors import DownloadError
from livelens.models import zoo
from livelens.spec import StageSpec
from livelens.stages.detections import joined
from livelens.types import Item, no_detections

Process = Callable[[Sequence[Item]], Any]


class Trying(StageSpec, frozen=True, kw_only=True):
    """A stage that does what a test says."""

    scope: ClassVar[Literal["stream", "shared"]] = "shared"
    make: ClassVar[Callable[[], Process]] = staticmethod(lambda: list)

    def open(self) -> "_Trying":
        return _Trying(type(self).make())


class _Trying:
    def __init__(self, function: Process) -> None:
        self._function = function

    def process(self, items: Sequence[Item]) -> Any:
        return self._function(items)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def street() -> Material:
    try:
        zoo.pull("coco-ssd")
        zoo.clip("bikes")
    except DownloadError as error:
        pytest.skip(str(error))
    return material(())


def answers(shown: Material, make: Callable[[], Process], **changes: object) -> dict[str, Check]:
    kind = type("Trying", (Trying,), {"make": staticmethod(make), **changes})
    trial = StageTrial(kind(), None, shown, limit_s=20.0, max_ms=None)
    try:
        return {check.name: check for check in asked(trial.questions())}
    finally:
        trial.end()


def failed(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.detail for name, check in checks.items() if check.status == "fail"}


def boxes(*rows: tuple[float, float, float, float]) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array(rows, np.float32),
        confidence=np.full(len(rows), 0.9, np.float32),
        class_id=np.zeros(len(rows), int),
        data={"class_name": np.full(len(rows), "thing")},
    )


def each(change: Callable[[Item], Item]) -> Callable[[], Process]:
    return lambda: lambda items: [change(item) for item in items]


DETECTS = {"gives": frozenset({"detections"})}


def test_a_good_detector_passes(street: Material) -> None:
    checks = answers(
        street,
        each(lambda item: item.with_(detections=joined(item.detections, boxes((1, 2, 30, 40))))),
        **DETECTS,
    )
    assert failed(checks) == {}
    assert {name for name, check in checks.items() if check.status == "ok"} >= {"batch", "keeps"}


def test_a_stage_with_state_is_tried_frame_by_frame(street: Material) -> None:
    def counting() -> Process:
        seen = 0

        def process(items: Sequence[Item]) -> list[Item]:
            nonlocal seen
            results = []
            for item in items:
                seen += 1
                results.append(item.with_(extra={"seen": seen}))
            return results

        return process

    assert failed(answers(street, counting, scope="stream")) == {}
    assert "batch" in failed(answers(street, counting, scope="shared"))


@pytest.mark.parametrize(
    ("make", "changes", "check", "said"),
    [
        (lambda: lambda items: None, {}, "answers", "not NoneType"),
        (lambda: lambda items: list(items)[1:], {}, "answers", "a list of 4 items, not 3 items"),
        (lambda: lambda items: [1 / 0], {}, "answers", "ZeroDivisionError: division by zero"),
        (lambda: lambda items: list(items)[::-1], {}, "answers", "in order"),
        (each(lambda item: item), DETECTS, "answers", "leaves None"),
        (
            each(lambda item: item.with_(detections=boxes((0.1, 0.1, 900, 2000)))),
            DETECTS,
            "answers",
            "outside of the frame",
        ),
        (
            each(lambda item: item.with_(detections=boxes((30, 30, 10, 10)))),
            DETECTS,
            "answers",
            "turned round",
        ),
        (
            each(lambda item: item.with_(extra={"when": object()})),
            {},
            "answers",
            "object is nothing that JSON knows",
        ),
        ({}, {"needs": frozenset({"boxes"})}, "needs, gives", "an item has no boxes"),
        ({}, {"scope": "global"}, "needs, gives", "scope 'global'"),
    ],
)
def test_a_broken_promise_is_named(
    street: Material, make: Any, changes: dict[str, object], check: str, said: str
) -> None:
    checks = answers(street, make or each(lambda item: item), **changes)
    assert said in failed(checks)[check]


def test_replacing_what_others_found_is_a_warning(street: Material) -> None:
    checks = answers(street, each(lambda item: item.with_(detections=no_detections())), **DETECTS)
    assert checks["keeps"].status == "warn"


def test_drawing_into_the_given_picture_is_found_out(street: Material) -> None:
    def draw(item: Item) -> Item:
        base = np.asarray(item.frame.image.base)
        base.flags.writeable = True
        base[0, 0] += 1
        return item

    before = [item.frame.image.copy() for item in street.items]
    assert "wrote into the pixels" in failed(answers(street, each(draw)))["pixels"]
    for item, pixels in zip(street.items, before, strict=True):
        np.asarray(item.frame.image.base)[:] = pixels


def test_a_stage_that_swaps_frames_is_named(street: Material) -> None:
    def swap(item: Item) -> Item:
        return item.with_(frame=replace(item.frame, seq=item.frame.seq + 1))

    assert "in order" in failed(answers(street, each(swap)))["answers"]
