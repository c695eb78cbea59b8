"""Puts a list of questions to one plug-in, in order, until one leaves no sense in going on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isclose
from zlib import crc32

import msgspec
import numpy as np

from livelens.authoring.calls import Fault, Hang
from livelens.authoring.report import Broken, Check
from livelens.clock import now_ns
from livelens.errors import LivelensError
from livelens.types import Frame

# Runtimes round differently in batches of other sizes, and bfloat16 keeps three digits.
_RELATIVE, _ABSOLUTE = 0.03, 0.015


@dataclass(frozen=True, slots=True)
class Question:
    """One check of a trial.

    Attributes:
        name: in a word or two.
        ask: answers with what was seen; raises `Broken` or `Fault` where it is wrong.
        advice: what to do when the plug-in raises or hangs here.
        essential: without it nothing else can be asked.
    """

    name: str
    ask: Callable[[], str]
    advice: str = ""
    essential: bool = False


def asked(questions: Sequence[Question]) -> list[Check]:
    """The answers. After a hang, or when what is essential fails, the rest is skipped."""
    checks: list[Check] = []
    why_not = ""
    for question in questions:
        if why_not:
            checks.append(Check(question.name, "skip", why_not))
            continue
        check = _check(question)
        checks.append(check)
        if check.status == "fail" and question.essential:
            why_not = f"not asked: {question.name!r} must be right first"
        elif check.status == "fail" and check.detail.startswith("no answer within"):
            why_not = "not asked: its worker hangs"
    return checks


def _check(question: Question) -> Check:
    try:
        return Check(question.name, "ok", question.ask())
    except Broken as broken:
        return Check(question.name, broken.status, str(broken), broken.advice or question.advice)
    except Hang as hang:
        advice = "give every call that may wait a deadline; the pipeline gives up at timeout_s"
        return Check(question.name, "fail", str(hang), advice)
    except Fault as fault:
        return Check(question.name, "fail", str(fault), question.advice)
    except LivelensError as error:
        return Check(question.name, "fail", str(error), question.advice)


def documented(spec: type[msgspec.Struct], base: type[msgspec.Struct]) -> str:
    """Whether the class says what it is for and what each of its settings means."""
    text = spec.__doc__ or ""
    inherited = {field.name for field in msgspec.structs.fields(base)}
    own = [field.name for field in msgspec.structs.fields(spec) if field.name not in inherited]
    if not text.strip() or text == base.__doc__:
        raise Broken("no docstring", f'say in a line what it does: class {spec.__name__}: """…"""')
    missing = [name for name in own if f"{name}:" not in text]
    if missing:
        raise Broken(
            f"not documented: {', '.join(missing)}",
            'add to the class docstring "Attributes:" and a line "NAME: what it means" for each',
        )
    return f"its own settings: {', '.join(own)}" if own else "no settings of its own"


def alike(one: object, other: object) -> bool:
    """Whether two answers, as plain JSON data, are the same but for rounding."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


class Untouched:
    """Whether the pixels of frames are still what they were; pictures are shared.

    A plug-in that makes an array writeable again, or writes through C, is found out here.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self._sums = [_sum(frame) for frame in frames]

    def check(self) -> str:
        """Raises Broken if any pixel has changed."""
        if [_sum(frame) for frame in self._frames] != self._sums:
            raise Broken(
                "it wrote into the pixels of the frame",
                "work on a copy: others look at the same picture",
            )
        return f"{len(self._frames)} frames unchanged"


def _sum(frame: Frame) -> int:
    return crc32(np.ascontiguousarray(frame.image).data)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of single calls."""

    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, call: Callable[[int], object], count: int) -> "Times":
        """Of `call(0)`, `call(1)`, …; the first is made twice and counted once."""
        call(0)
        taken = []
        for n in range(count):
            began_ns = now_ns()
            call(n)
            taken.append((now_ns() - began_ns) / 1e6)
        p50, p95 = np.percentile(taken, [50, 95])
        return cls(float(p50), float(p95))

    def within(self, limit_ms: float | None) -> None:
        """Raises Broken if the slow ones take longer than was allowed on the command line."""
        if limit_ms is not None and self.p95_ms > limit_ms:
            raise Broken(f"{self}, more than {limit_ms:g} ms", "--max-ms asks for less")

    def __str__(self) -> str:
        return f"{self.p50_ms:.1f} ms (p95 {self.p95_ms:.1f})"
