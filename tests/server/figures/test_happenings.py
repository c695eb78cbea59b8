"""The log of what happened: repetitions are counted, and old things make place for new ones."""

import csv
import io
from typing import Any

import pytest

from livelens.errors import SinkError
from livelens.events import Problem, State, StreamState
from livelens.server.feeds import Streams
from livelens.server.figures.eventlog import EventLog, LogEntry
from tests.server.running import PATTERN, running, until


def away(seconds: float, why: str = "no answer", at: int = 0) -> Problem:
    return Problem("cam", "source", f"{why}; trying again in {seconds} s", at)


def state(name: StreamState, at: int = 0, detail: str = "", stream: str = "cam") -> State:
    return State(stream, name, at, detail)


def log_of(*messages: Problem | State, most: int = 1000) -> EventLog:
    log = EventLog(most)
    for message in messages:
        log.add(message)
    return log


def brief(entries: list[LogEntry]) -> list[tuple[str, str, int]]:
    return [(each.what, each.message, each.count) for each in entries]


def test_what_happens_again_is_counted() -> None:
    log = log_of(
        state("running"),
        away(0.2, at=1),
        state("reconnecting", 1, "a"),
        away(0.5, at=2),
        state("reconnecting", 2, "b"),
        away(1, "refused", 3),
    )
    assert brief(log.read().entries) == [
        ("source", "refused; trying again in 1 s", 1),
        ("reconnecting", "b", 2),
        ("source", "no answer; trying again in 0.5 s", 2),
        ("running", "", 1),
    ]
    counted = log.read().entries[2]
    assert (counted.first_unix_ns, counted.last_unix_ns) == (1, 2)


def test_what_comes_back_after_all_was_well_is_told_anew() -> None:
    log = log_of(away(1), state("reconnecting"), state("running"), away(1), state("reconnecting"))
    whats = [(each.what, each.count) for each in log.read().entries]
    assert whats == [("reconnecting", 1), ("source", 1), ("running", 1), ("reconnecting", 1),
                     ("source", 1)]  # fmt: skip


def test_who_asks_again_gets_what_has_changed() -> None:
    log = log_of(state("running"), away(1))
    seen = log.read().revision
    assert log.read(after=seen).entries == []
    log.add(away(2))
    log.add(state("reconnecting"))
    changed = log.read(after=seen)
    assert brief(changed.entries) == [
        ("reconnecting", "", 1), ("source", "no answer; trying again in 2 s", 2),
    ]  # fmt: skip
    assert changed.revision == seen + 2


def test_the_oldest_make_place_and_streams_are_kept_apart() -> None:
    messages = [state("running", n, stream=f"s{n}") for n in range(30)]
    log = log_of(*messages, most=10)
    assert [each.stream for each in log.read().entries] == [f"s{n}" for n in range(29, 19, -1)]
    assert [each.stream for each in log.read(stream="s25").entries] == ["s25"]
    assert len(log.read(limit=3).entries) == 3
    assert [e.stream for e in log.read(may_see=lambda name: name == "s21").entries] == ["s21"]


def test_a_dead_camera_is_in_the_log() -> None:
    source = {"type": "url", "url": "rtsp://127.0.0.1:9/none", "open_timeout_s": 1}
    streams = {"dead": {"source": source, "stages": []}, "well": {"source": PATTERN, "stages": []}}
    with running({"streams": streams}) as server:

        def repeated() -> Any:
            entries = server.http.get("/api/log", params={"stream": "dead"}).json()["entries"]
            problems = [each for each in entries if each["kind"] == "problem"]
            return problems[0] if problems and problems[0]["count"] > 1 else None

        problem = until(repeated)
        assert problem["what"] == "source"
        assert problem["last_unix_ns"] > problem["first_unix_ns"]
        everything = server.http.get("/api/log").json()
        assert {each["stream"] for each in everything["entries"]} == {"dead", "well"}
        asked = {"after": everything["revision"], "stream": "well"}
        assert server.http.get("/api/log", params=asked).json()["entries"] == []
        table = server.http.get("/api/log.csv", params={"stream": "dead"})
        assert 'filename="livelens-log-' in table.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
        assert {row["stream"] for row in rows} == {"dead"}
        assert any(row["kind"] == "problem" and int(row["count"]) > 1 for row in rows)
        for wrong in ("limit=0", "limit=many", "after=-1", "limit=1001"):
            answer = server.http.get(f"/api/log?{wrong}")
            assert answer.status_code == 400
            assert wrong.partition("=")[0] in answer.json()["error"]


@pytest.mark.parametrize("final", ["stopped", "failed", "ended"])
def test_the_end_of_a_stream_is_told(final: StreamState) -> None:
    log = log_of(state("running"), state(final), state("running"), state(final))
    assert [each.what for each in log.read().entries] == [final, "running", final, "running"]


def test_a_configured_stream_that_cannot_start_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuses(*_: Any, **__: Any) -> None:
        raise SinkError("the folder is full")

    monkeypatch.setattr(Streams, "add", refuses)
    with running({"streams": {"full": {"source": PATTERN, "stages": []}}}) as server:
        [entry] = until(lambda: server.http.get("/api/log").json()["entries"])
        assert (entry["stream"], entry["what"]) == ("full", "start")
        assert entry["message"] == "the folder is full"
