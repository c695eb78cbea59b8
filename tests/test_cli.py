"""How the command ends. What it does is tested in tests/e2e."""

import os
import sys
import threading

import pytest

from livelens import cli


class Exited(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(("word", "status"), [("--version", 0), ("--nonsense", 2)])
def test_a_stage_that_hangs_in_foreign_code_is_not_unwound(
    monkeypatch: pytest.MonkeyPatch, word: str, status: int
) -> None:
    def left(status: int) -> None:
        raise Exited(status)

    monkeypatch.setattr(os, "_exit", left)
    monkeypatch.setattr(sys, "argv", ["livelens", word])
    over = threading.Event()
    hanging = threading.Thread(target=over.wait, name="stage:detect", daemon=True)
    hanging.start()
    try:
        with pytest.raises(Exited) as ended:
            cli.main()
    finally:
        over.set()
        hanging.join()
    assert ended.value.args == (status,)


def test_with_nothing_left_behind_the_interpreter_ends_as_usual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["livelens", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
