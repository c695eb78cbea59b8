"""The history of an hour: what it holds, how it is made small, and what it says of an overload."""

import csv
import gzip
import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from livelens.clock import NS_PER_S, wall_ns
from livelens.server.figures import sampler as sampling
from livelens.server.figures.gpu import GpuWatch, parsed
from livelens.server.figures.history import history_of
from livelens.server.figures.rings import Key, Rings, Room, reduced
from livelens.server.figures.sampler import PERIOD_NS, Sampler
from livelens.server.figures.tables import Cell, csv_response
from tests.server.running import PATTERN, Running, running, until

SLOW = {"type": "simulate", "name": "slow", "cost_ms": 100}
BUSY = {"busy": {"source": PATTERN, "stages": [SLOW]}}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look ten times a second, so that a test need not wait."""
    monkeypatch.setattr(sampling.Sampler.__init__, "__defaults__", (NS_PER_S // 10, 1800))


def of_busy(server: Running, **asked: Any) -> Any:
    answer = server.http.get("/api/history", params={"stream": "busy", **asked})
    return answer.json() if answer.status_code == 200 else None


def total(points: list[float | None], step_s: float) -> float:
    return sum(each for each in points if each is not None) * step_s


# Rings


def test_a_ring_keeps_its_length_and_what_was_not_told_is_not_known() -> None:
    rings = Rings(4, Room(10))
    key: Key = ("fps",)
    for slot in (10, 11, 14):
        rings.put(slot, {key: float(slot)})
    [column] = rings.read([key], 9, 6).values()
    assert [None if math.isnan(each) else each for each in column] == [
        None,
        None,
        11,
        None,
        None,
        14,
    ]


def test_a_ring_forgets_columns_that_are_empty_and_gives_their_room_to_others() -> None:
    room = Room(2)
    rings = Rings(4, room)
    rings.put(1, {("a",): 1.0, ("b",): 1.0, ("c",): 1.0})
    assert list(rings.keys) == [("a",), ("b",)], "there is no room for the third"
    for slot in range(2, 151):
        rings.put(slot, {("a",): 1.0})
    assert list(rings.keys) == [("a",)]
    rings.put(151, {("a",): 1.0, ("c",): 7.0})
    assert rings.read([("c",)], 148, 4)["c",].tolist()[-1] == 7.0
    assert np.isnan(rings.read([("c",)], 148, 3)["c",]).all()
    assert room.used == 2


def test_points_are_means_or_the_largest_and_gaps_stay_gaps() -> None:
    column = np.array([1, 3, np.nan, 5, np.nan, np.nan])
    assert reduced(column, 2, "mean").tolist()[:2] == [2, 5]
    assert reduced(column, 2, "max").tolist()[:2] == [3, 5]
    assert np.isnan(reduced(column, 2, "mean")[2])
    assert np.isnan(reduced(column, 2, "max")[2])


# A real stream that cannot keep up


@pytest.mark.usefixtures("quick")
def test_an_overloaded_stage_shows_in_the_history_and_every_drop_is_in_it() -> None:
    with running({"streams": BUSY}) as server:
        until(lambda: (of_busy(server) or {"unix_s": []})["unix_s"][12:])
        # Nothing comes any more, so that both accounts can be compared.
        server.state.engine.get("busy").stop()
        counted = server.http.get("/api/streams/busy").json()

        def whole() -> Any:
            told = of_busy(server, points=1800)
            return told if told["streams"][0]["captured_fps"][-1] == 0 else None

        told = until(whole)
        [stream] = told["streams"]
        assert told["step_s"] == told["sample_s"] == 0.1
        assert total(stream["captured_fps"], 0.1) == pytest.approx(counted["captured"], rel=0.1)
        assert total(stream["delivered_fps"], 0.1) == pytest.approx(counted["delivered"], rel=0.1)
        dropped = {name: total(each, 0.1) for name, each in stream["dropped_per_s"].items()}
        assert dropped.keys() == counted["dropped"].keys()
        assert dropped["slow/overrun"] > 5
        assert sum(dropped.values()) == pytest.approx(sum(counted["dropped"].values()), rel=0.1)

        [slow] = stream["stages"]
        assert slow["name"] == "slow"
        assert slow["dropped_per_s"]["overrun"] == stream["dropped_per_s"]["slow/overrun"]
        times = [each for each in slow["ms"]["p50"] if each is not None]
        assert all(100 <= each < 1000 for each in times)
        assert max(each for each in slow["waiting_ms"] if each is not None) > 0
        latency = stream["latency_ms"]
        for p50, p95, p99 in zip(latency["p50"], latency["p95"], latency["p99"], strict=True):
            assert p50 is None or 100 <= p50 <= p95 <= p99
        assert latency["p50"][-1] is None, "nothing was delivered in that time"


@pytest.mark.usefixtures("quick")
def test_the_percentiles_are_those_of_their_time_and_not_of_all_time() -> None:
    with running({"streams": BUSY}) as server:
        until(lambda: (of_busy(server) or {"unix_s": []})["unix_s"][5:])
        fast = {"stages": [{**SLOW, "cost_ms": 1}]}
        assert server.http.patch("/api/streams/busy", json=fast).status_code == 200

        def recovered() -> Any:
            [stream] = of_busy(server, since_s=1, points=10)["streams"]
            newest = stream["latency_ms"]["p99"][-3:]
            return None not in newest and max(newest) < 90

        until(recovered, 10)


@pytest.mark.usefixtures("quick")
def test_a_stream_that_left_stays_until_its_hour_is_over() -> None:
    with running({"streams": BUSY}) as server:
        until(lambda: (of_busy(server) or {"unix_s": []})["unix_s"][3:])
        server.http.delete("/api/streams/busy")

        def gone() -> Any:
            [stream] = of_busy(server)["streams"]
            return not stream["present"] and stream["captured_fps"][-1] is None

        until(gone)
        assert of_busy(server)["streams"][0]["stages"][0]["present"] is False
        body = {"id": "busy", **BUSY["busy"]}
        assert server.http.post("/api/streams", json=body).status_code == 201
        until(lambda: of_busy(server)["streams"][0]["present"])
        until(lambda: (of_busy(server)["streams"][0]["captured_fps"][-1] or 0) > 0)
        rates = of_busy(server, points=1800)["streams"][0]["captured_fps"]
        assert min(each for each in rates if each is not None) >= 0, "the new one counts from 0"


@pytest.mark.usefixtures("quick")
def test_the_history_as_a_table() -> None:
    with running({"streams": BUSY}) as server:
        until(lambda: (of_busy(server) or {"unix_s": []})["unix_s"][5:])
        answer = server.http.get("/api/history.csv", params={"stream": "busy"})
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'attachment; filename="livelens-history-' in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        assert len(rows) > 5
        assert {row["stream"] for row in rows} == {"busy"}
        assert max(float(row["captured_fps"] or 0) for row in rows) > 0
        assert max(float(row["stage_slow_p50_ms"] or 0) for row in rows) >= 100
        assert float(rows[-1]["server_rss_mib"]) > 1
        assert "dropped_slow/overrun_per_s" in rows[0]
        everything = server.http.get("/api/history.csv").text
        assert "stage_slow_p50_ms" not in everything.splitlines()[0]


# What is asked


@pytest.mark.parametrize(
    "query", ["since_s=0", "since_s=4000", "since_s=x", "points=0", "points=1801", "points=1e3"]
)
def test_a_request_that_means_nothing_is_refused(shared: Running, query: str) -> None:
    answer = shared.http.get(f"/api/history?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]


def test_a_stream_that_never_was_has_no_history(shared: Running) -> None:
    assert shared.http.get("/api/history?stream=never").status_code == 404
    assert shared.http.get("/api/history.csv?stream=never").status_code == 404


def test_a_server_without_streams_has_a_history_of_its_own(shared: Running) -> None:
    def told() -> Any:
        found = shared.http.get("/api/history").json()
        return found if found["unix_s"] else None

    found = until(told)
    assert found["streams"] == []
    assert found["server"]["threads"][-1] >= 1
    assert found["server"]["cpu_cores"][-1] >= 0
    plain = shared.http.get("/api/history", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    rows = list(csv.DictReader(io.StringIO(shared.http.get("/api/history.csv").text, newline="")))
    assert rows[0]["stream"] == ""
    assert rows[0]["server_threads"] != ""


@pytest.fixture(scope="module")
def shared() -> Any:
    with running() as server:
        yield server


# Who may see it


@pytest.mark.usefixtures("quick")
def test_history_viewers_and_log_hold_nothing_of_what_one_may_not_see() -> None:
    streams = {name: {"source": PATTERN, "stages": []} for name in ("street", "yard")}
    access = {"trust_loopback": False, "password": "open, lens"}
    with running({"streams": streams, "access": access}, token="t" * 32) as server:
        admin = {"Authorization": f"Bearer {'t' * 32}"}

        def shown_to(*actions: str) -> dict[str, str]:
            wish = {"grants": [{"stream": "street", "actions": actions}]}
            made = server.http.post("/api/tokens", json=wish, headers=admin).json()
            return {"Authorization": f"Bearer {made['token']}"}

        def listed() -> Any:
            found = server.http.get("/api/history", headers=admin).json()
            return len(found["streams"]) == 2 and found["unix_s"]

        until(listed)
        assert server.http.get("/api/history").status_code == 401
        viewer, author = shown_to("view"), shown_to("control")
        for path in ("/api/history", "/api/history.csv", "/api/log", "/api/log.csv"):
            text = server.http.get(path, headers=viewer).text
            assert "street" in text, path
            assert "yard" not in text, path
            assert "yard" in server.http.get(path, headers=admin).text, path
            assert server.http.get(path).status_code == 401
        refused = server.http.get("/api/history?stream=yard", headers=viewer)
        never = server.http.get("/api/history?stream=none", headers=viewer)
        assert (refused.status_code, never.status_code) == (404, 404)
        for path in ("/api/viewers", "/api/viewers.csv"):
            assert server.http.get(path, headers=viewer).status_code == 403
            assert server.http.get(path, headers=author).status_code == 200


# Without a clock: what a server with a full hour says


class Aged:
    """A sampler that was told what to remember."""

    def __init__(self, slots: int) -> None:
        with running() as server:
            self.sampler = Sampler(server.state)
        self.sampler.first = 1000
        self.sampler._set_clock()
        for slot in range(1000, 1000 + slots):
            self.sampler.server.put(slot, {("cpu_cores",): slot % 3, ("rss_mib",): slot % 3})


def test_points_of_a_long_time_stay_where_they_are_when_more_come() -> None:
    aged = Aged(1799)
    before = history_of(aged.sampler, points=600)
    assert before.step_s == 6.0
    assert len(before.unix_s) in (600, 601)
    assert set(before.server.cpu_cores[1:-1]) == {1.0}, "the mean of 0, 1 and 2"
    assert set(before.server.rss_mib[1:-1]) == {2.0}, "the largest of 0, 1 and 2"
    assert np.diff(before.unix_s).tolist() == pytest.approx([6.0] * (len(before.unix_s) - 1))
    assert before.unix_s[-1] == pytest.approx(
        (2799 * PERIOD_NS + aged.sampler._epoch_ns) / NS_PER_S, abs=6
    )
    aged.sampler.server.put(2799, {("cpu_cores",): 0})
    short = history_of(aged.sampler, since_s=30, points=5)
    assert short.step_s == 6.0
    assert set(short.unix_s) - {short.unix_s[-1]} <= set(before.unix_s)
    assert abs(before.unix_s[-1] - wall_ns() / NS_PER_S) < 1e9, "these are wall-clock times"


def test_the_room_is_bounded_and_who_left_first_makes_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "MOST_STREAMS", 3)
    monkeypatch.setattr(sampling.Sampler._make_room, "__defaults__", (2,))
    with running() as server:
        one = Sampler(server.state)
        now = 0
        for name in ("a", "b", "c", "d"):
            body: dict[str, Any] = {"id": name, "source": PATTERN, "stages": []}
            assert server.http.post("/api/streams", json=body).status_code == 201
            now += PERIOD_NS
            one.look(now)
            assert server.http.delete(f"/api/streams/{name}").status_code == 204
        now += PERIOD_NS
        one.look(now)
        assert sorted(one.tracks) == ["b", "c", "d"]
        for _ in range(3):
            now += PERIOD_NS * sampling.LENGTH
            one.look(now)
        assert one.tracks == {}, "their hour is over"
        assert one.room.used == len(list(one.server.keys))


# GPUs


def test_cards_are_told_where_nvidia_smi_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\n"
        'echo "Failed to initialize NVML"\n'
        'echo "0, NVIDIA H200, 35, 1024, 143771"\n'
        'echo "1, NVIDIA A100, 40GB, [N/A], 7, 40960"\n'
        "exec sleep 60\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    watch = GpuWatch()
    watch.start()
    try:
        first, second = until(lambda: watch.now() if len(watch.now()) == 2 else [])
        assert (first.name, first.percent, first.memory_mib) == ("NVIDIA H200", 35.0, 1024.0)
        assert (second.name, second.percent) == ("NVIDIA A100, 40GB", None)
    finally:
        watch.close()


def test_no_cards_where_there_is_no_nvidia_smi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    watch = GpuWatch()
    watch.start()
    assert watch.now() == []
    watch.close()
    assert parsed("No devices were found\n") is None


# Tables


async def test_a_table_is_safe_to_open_and_keeps_what_was_said() -> None:
    cells: list[Cell] = [
        'say "hi", you',
        "=1+1",
        "@SUM(A1)",
        "-5",
        "two\nlines",
        -5.5,
        None,
        float("nan"),
        True,
    ]
    answer = csv_response("x", ["a"] * len(cells), [cells])
    parts = [part async for part in answer.body_iterator]  # type: ignore[attr-defined]
    text = "".join(parts)
    assert text.endswith("\r\n")
    [_, row] = csv.reader(io.StringIO(text, newline=""))
    assert row == [
        'say "hi", you',
        "'=1+1",
        "'@SUM(A1)",
        "'-5",
        "two\nlines",
        "-5.5",
        "",
        "",
        "true",
    ]


def test_a_packed_answer_is_what_the_plain_one_is(shared: Running) -> None:
    with shared.http.stream("GET", "/api/history", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw).startswith(b'{"unix_s":')
