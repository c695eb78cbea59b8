"""Each promise of a descriptor that is broken is named, and no other check is to blame."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from livelens.authoring.descriptors import DescriptorTrial
from livelens.authoring.material import Material, material
from livelens.authoring.report import Check
from livelens.authoring.trial import asked
from livelens.crop import Crop
from livelens.descriptor import DescriptorSpec, Reading
from livelens.errors import DownloadError
from livelens.models import zoo
from livelens.types import Attribute

Describe = Callable[[Sequence[Crop]], Any]


class Brightness(DescriptorSpec, frozen=True, kw_only=True):
    """Tells how bright an object is, by the function of a test."""

    measures: ClassVar[tuple[str, ...]] = ("brightness",)
    describes: ClassVar[tuple[str, ...]] = ("person",)
    function: ClassVar[Describe] = staticmethod(lambda crops: [])

    def open(self) -> "Worker":
        return Worker(type(self).function)


class Worker:
    def __init__(self, function: Describe) -> None:
        self._function = function

    def describe(self, crops: Sequence[Crop]) -> Any:
        return self._function(crops)

    def close(self) -> None:
        pass


def good(crop: Crop) -> dict[str, Reading]:
    return {"brightness": Reading(float(crop.image().mean()))}


@pytest.fixture(scope="module")
def street() -> Material:
    try:
        zoo.pull("coco-ssd")
        zoo.clip("bikes")
    except DownloadError as error:
        pytest.skip(str(error))
    return material(("person",))


def answers(
    shown: Material, describe: Describe, limit_s: float = 20.0, **changes: object
) -> dict[str, Check]:
    kind = type("Brightness", (Brightness,), {"function": staticmethod(describe), **changes})
    trial = DescriptorTrial(kind(), None, shown, limit_s=limit_s, max_ms=None)
    try:
        return {check.name: check for check in asked(trial.questions())}
    finally:
        trial.end()


def failed(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.detail for name, check in checks.items() if check.status == "fail"}


def test_real_objects_are_shown_to_it(street: Material) -> None:
    assert street.real
    seen: list[Crop] = []

    def look(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
        seen.extend(crops)
        return [good(crop) for crop in crops]

    checks = answers(street, look)
    assert failed(checks) == {}
    assert {check.status for check in checks.values()} <= {"ok", "warn"}
    assert {crop.class_name for crop in seen} == {"person"}
    assert (3840, 2160) in {crop.frame.size_px for crop in seen}


@pytest.mark.parametrize(
    ("answer", "check", "said"),
    [
        (lambda crops: None, "answers", "must return a list of 12"),
        (lambda crops: [good(c) for c in crops][1:], "answers", "12 descriptions, not 11"),
        (lambda crops: [{"brightness": 3.0} for _ in crops], "answers", "a Reading, not float"),
        (lambda crops: [{"hat": Reading(1)} for _ in crops], "answers", "tells hat"),
        (
            lambda crops: [{"brightness": Reading(float("nan"))} for _ in crops],
            "answers",
            "finite number, not nan",
        ),
        (lambda crops: [{"brightness": Reading(1, 1.5)} for _ in crops], "answers", "not 1.5"),
        (
            lambda crops: [{"brightness": Reading("a", 1, {"a": 0.9, "b": 0.9})} for _ in crops],
            "answers",
            "sum to 1.80",
        ),
        (lambda crops: 1 / 0, "answers", "ZeroDivisionError: division by zero (tests/"),
        (
            lambda crops: [{"brightness": Reading(len(crops))} for _ in crops],
            "batch",
            "object 0 one by one",
        ),
        (lambda crops: [good(c) for c in crops[::-1]], "order", "turned"),
        (
            lambda crops: [good(c) for c in crops if min(c.frame.size_px) > 64],
            "odd pictures",
            "64×64",
        ),
        (lambda crops: [good(c) for c in crops] or None, "no objects", "a list of 0"),
    ],
)
def test_a_wrong_answer_is_named(street: Material, answer: Describe, check: str, said: str) -> None:
    told = failed(answers(street, answer))
    assert said in told[check]


def test_after_a_failure_that_spoils_the_rest_nothing_more_is_asked(street: Material) -> None:
    checks = answers(street, lambda crops: None)
    assert list(failed(checks)) == ["answers"]
    assert checks["pipeline"].status == "skip"


def test_a_descriptor_that_hangs_is_named_with_the_line(street: Material) -> None:
    never = threading.Event()
    try:
        told = failed(answers(street, lambda crops: never.wait(), limit_s=0.2))
    finally:
        never.set()
    assert "no answer within 0.2 s (" in told["answers"]
    assert "test_descriptors.py:" in told["answers"]


def test_writing_into_the_picture_is_found_out(street: Material) -> None:
    def spoil(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
        told = [good(crop) for crop in crops]
        for crop in crops:
            pixels = crop.frame.image
            base = np.asarray(pixels.base)
            base.flags.writeable = True
            base[0, 0] += 1
        return told

    before = [item.frame.image.copy() for item in street.items]
    assert "wrote into the pixels" in failed(answers(street, spoil))["pixels"]
    for item, pixels in zip(street.items, before, strict=True):
        np.asarray(item.frame.image.base)[:] = pixels


def test_workers_that_share_state_are_found_out(street: Material) -> None:
    """The first thread leaves something behind that makes another one answer otherwise."""
    owners: list[int] = []

    def share(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
        owners.append(threading.get_ident())
        mine = owners[-1] == owners[0]
        return [good(crop) if mine else {"brightness": Reading(0.0)} for crop in crops]

    told = failed(answers(street, share))
    assert "beside another worker" in told["threads"]
    assert list(told) == ["threads"]


def test_a_class_without_both_methods_is_named(street: Material) -> None:
    class Half:
        def describe(self, crops: Sequence[Crop]) -> list[dict[str, Reading]]:
            return []

    told = failed(answers(street, lambda crops: [], open=lambda self: Half()))
    assert told == {"opens": "open() gives Half, which has no close()"}


def test_it_must_say_what_it_measures(street: Material) -> None:
    checks = answers(street, lambda crops: [{} for _ in crops], measures=())
    assert "names no attribute" in failed(checks)["measures"]
    assert "nothing is told" in checks["answers"].detail


def test_what_is_concluded_counts_as_told(street: Material) -> None:
    def concluded(self: object, attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        return {**attributes, "glare": attributes["brightness"]}

    def describe(crops: Sequence[Crop]) -> list[dict[str, Reading]]:
        return [good(crop) for crop in crops]

    measures = ("brightness", "glare")
    told = answers(street, describe, measures=measures)["answers"]
    assert (told.status, "never told: glare" in told.detail) == ("warn", True)
    told = answers(street, describe, measures=measures, concluded=concluded)["answers"]
    assert told.status == "ok"
    told = answers(street, describe, concluded=lambda self, attributes: {"glare": 1})["answers"]
    assert (told.status, "concluded() must return" in told.detail) == ("fail", True)


def test_classes_that_no_model_finds_are_placed_on_real_frames(street: Material) -> None:
    shown = material(("zeppelin",))
    assert not shown.real
    assert "no model finds 'zeppelin'" in shown.origin
    assert {crop.class_name for crop in shown.crops(24)} == {"zeppelin"}
