"""What is asked of every plug-in, whatever its kind."""

import threading
from typing import Literal

import numpy as np
import pytest

from livelens.authoring.calls import Fault, Hang, Worker
from livelens.authoring.report import Broken
from livelens.authoring.trial import Question, Times, alike, asked, documented
from livelens.spec import StageSpec


class Explained(StageSpec, frozen=True, kw_only=True):
    """Does nothing.

    Attributes:
        far: how far.
    """

    far: int = 1


class Hidden(StageSpec, frozen=True, kw_only=True):
    """Does nothing."""

    far: int = 1
    near: int = 1


class Silent(StageSpec, frozen=True, kw_only=True):
    far: int = 1


def test_every_setting_wants_an_explanation() -> None:
    assert documented(Explained, StageSpec) == "its own settings: far"
    with pytest.raises(Broken, match="not documented: far, near"):
        documented(Hidden, StageSpec)
    with pytest.raises(Broken, match="no docstring"):
        documented(Silent, StageSpec)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.02, True),
        (1.0, 1.2, False),
        (0.0, 0.01, True),
        (True, 1, False),
        ("a", "b", False),
        ({"a": [1, 2.0]}, {"a": [1, 2.01]}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [1], False),
        (None, 0, False),
    ],
)
def test_answers_are_the_same_but_for_rounding(one: object, other: object, same: bool) -> None:
    assert alike(one, other) is same
    assert alike(other, one) is same


def test_a_worker_calls_on_one_thread_and_tells_what_went_wrong() -> None:
    worker, never = Worker(None, 0.2), threading.Event()
    assert worker.call(threading.get_ident) == worker.call(threading.get_ident)
    with pytest.raises(Fault, match=r"ZeroDivisionError: division by zero \(.*test_trial.py:\d+"):
        worker.call(lambda: 1 / 0)
    with pytest.raises(Hang, match=r"no answer within 0.2 s \(.*test_trial.py:\d+, in <lambda>"):
        worker.call(lambda: never.wait())  # noqa: PLW0108 - so that the line is ours
    never.set()
    worker.end()


@pytest.mark.parametrize(
    ("essential", "status"), [(True, ["fail", "skip"]), (False, ["fail", "ok"])]
)
def test_what_is_essential_ends_the_questions(
    essential: bool, status: list[Literal["ok", "fail", "skip"]]
) -> None:
    def no() -> str:
        raise Broken("it is not so", "make it so")

    checks = asked([Question("first", no, essential=essential), Question("second", lambda: "yes")])
    assert [check.status for check in checks] == status
    assert (checks[0].detail, checks[0].advice) == ("it is not so", "make it so")


def test_times_are_bounded_only_if_asked() -> None:
    times = Times(2.0, 5.0)
    times.within(None)
    times.within(5.0)
    with pytest.raises(Broken, match="more than 4 ms"):
        times.within(4.0)
    assert np.isfinite(Times.of(lambda n: n, 3).p95_ms)
