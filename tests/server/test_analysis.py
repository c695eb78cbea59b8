"""Sources, algorithms, statistics, and results of one detector."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from livelens import plugins
from livelens.events import DetectedObject, Problem, Result, decoded
from livelens.flow.engine import Engine
from livelens.models import zoo
from livelens.server.figures.rates import Rates
from livelens.server.figures.usage import CpuMeter, Usage, usage
from livelens.server.filters import Filter, detectors_of
from tests.server.running import PATTERN, Running, running, until
from tests.server.viewer import client

BOXES = {"type": "simulate", "cost_ms": 1, "boxes": [[0.1, 0.1, 0.4, 0.8]]}
CHAIN = [
    {**BOXES, "name": "left"},
    {**BOXES, "name": "right", "boxes": [[0.6, 0.1, 0.9, 0.8]]},
    {"type": "track", "tracker": "sort", "name": "follow"},
]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running({"streams": {"pat": {"source": PATTERN, "stages": CHAIN}}}) as one:
        yield one


def told(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """(name, data) of each event."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def awaited(events: Iterator[tuple[str, Any]], wanted: Callable[[Any], bool]) -> Any:
    for _, data in events:
        if wanted(data):
            return data
    raise AssertionError("the events ended")


EVENTS = {"Accept": "text/event-stream"}


def test_sources_tell_what_runs_on_them(server: Running) -> None:
    until(lambda: server.http.get("/api/sources").json()["sources"][0]["fps"] > 0)
    [source] = server.http.get("/api/sources").json()["sources"]
    assert (source["id"], source["type"], source["state"]) == ("pat", "pattern", "running")
    assert source["size_px"] == [192, 108]
    assert source["live"] is True
    assert source["tracker"] == "sort"
    assert source["descriptors"] == []
    assert source["algorithms"] == ["left", "right", "follow"]


def test_sources_are_told_anew_when_they_change(server: Running) -> None:
    with server.http.stream("GET", "/api/sources", headers=EVENTS) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = told(response)
        name, first = next(events)
        assert name == "sources"
        assert [each["id"] for each in first["sources"]] == ["pat"]
        body = {"id": "two", "source": PATTERN, "stages": []}
        assert server.http.post("/api/streams", json=body).status_code == 201
        awaited(events, lambda seen: [s["id"] for s in seen["sources"]] == ["pat", "two"])
        assert server.http.delete("/api/streams/two").status_code == 204
        awaited(events, lambda seen: [s["id"] for s in seen["sources"]] == ["pat"])
    until(lambda: server.state.readers["sse"] == 0)


def test_algorithms_tell_licence_settings_and_where_they_run(server: Running) -> None:
    found = server.http.get("/api/algorithms").json()["algorithms"]
    by_name = {(each["kind"], each["name"]): each for each in found}
    faces = by_name["detector", "face-blaze"]
    assert faces["stage"] == {"type": "detect", "model": "face-blaze"}
    assert faces["finds"] == ["face"]
    assert faces["models"][0]["licence"] == "MIT"
    assert faces["models"][0]["cached"] is True
    assert 0 < faces["models"][0]["confidence"] < 1
    [mesh] = by_name["descriptor", "head-pose"]["models"]
    assert mesh["confidence"] is None
    assert faces["streams"] == []
    assert by_name["tracker", "sort"]["streams"] == ["pat"]
    assert by_name["tracker", "bytetrack"]["streams"] == []
    assert by_name["stage", "simulate"]["streams"] == ["pat"]
    described = {each["name"] for each in found if each["kind"] == "descriptor"}
    assert described == set(plugins.installed("descriptors"))
    for each in found:
        assert each["error"] == "", each["name"]
        used = [model["name"] for model in each["models"]]
        assert used or each["kind"] not in ("detector", "descriptor"), each["name"]
        if each["kind"] in ("descriptor", "stage"):
            told = plugins.known_stages()[each["name"]].load().models
            assert used == list(told), "models that the zoo does not know"
        assert each["description"], each["name"]
        jsonschema.Draft202012Validator.check_schema(each["settings"])
    simulate = by_name["stage", "simulate"]["settings"]
    settings = {key: value for key, value in BOXES.items() if key != "type"}
    jsonschema.validate(settings, simulate)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"cost_ms": "much"}, simulate)


def test_algorithms_are_told_anew_when_they_begin_to_run(server: Running) -> None:
    def users(seen: Any) -> Any:
        return next(each["streams"] for each in seen["algorithms"] if each["name"] == "bytetrack")

    with server.http.stream("GET", "/api/algorithms", headers=EVENTS) as response:
        events = told(response)
        assert users(next(events)[1]) == []
        chain = [BOXES, "track"]
        server.http.post("/api/streams", json={"id": "b", "source": PATTERN, "stages": chain})
        awaited(events, lambda seen: users(seen) == ["b"])
        server.http.delete("/api/streams/b")


def test_a_plug_in_that_does_not_load_says_so(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint

    from livelens.server.algorithms import algorithm_list

    entry = EntryPoint("broken", "no_such_module:Thing", "livelens.stages")
    known = {**plugins.installed("stages"), "broken": entry}
    descriptors = plugins.installed("descriptors")
    monkeypatch.setattr(
        plugins, "installed", lambda group: known if group == "stages" else descriptors
    )
    [broken] = [each for each in algorithm_list(server.state).algorithms if each.name == "broken"]
    assert "no_such_module" in broken.error


def test_stats_of_streams_stages_and_server(server: Running) -> None:
    def counted() -> Any:
        now = server.http.get("/api/stats").json()
        [stream] = now["streams"]
        return now if stream["delivered_fps"] > 0 and stream["stages"][-1]["fps"] > 0 else None

    now = until(counted)
    [stream] = now["streams"]
    dropped = sum(stream["dropped"].values())
    assert stream["captured"] == stream["delivered"] + dropped + stream["in_flight"]
    assert stream["captured_fps"] > 0
    assert set(stream["latency_ms"]) == {"p50", "p95", "p99"}
    left, right, follow = stream["stages"]
    assert [left["name"], right["name"], follow["name"]] == ["left", "right", "follow"]
    assert (left["type"], follow["type"], follow["kind"]) == ("simulate", "track", "tracker")
    assert left["ms"]["p50"] >= 1
    assert (left["lane"], left["workers"], left["batch"]) == ("thread", 1, 1)
    assert left["done"] > 0
    assert now["server"]["rss_mib"] > 10
    assert now["server"]["uptime_s"] > 0
    assert now["server"]["streams"] == 1


def test_stats_come_again_and_again(server: Running) -> None:
    url = "/api/stats?interval_s=0.2"
    with server.http.stream("GET", url, headers=EVENTS) as response:
        events = told(response)
        moments = [next(events)[1]["unix_ns"] for _ in range(3)]
        assert server.state.readers["sse"] == 1
    assert moments == sorted(set(moments))
    until(lambda: server.state.readers["sse"] == 0)
    for wrong in ("fast", "0", "61", "nan"):
        refused = server.http.get("/api/stats", params={"interval_s": wrong})
        assert refused.status_code == 400
        assert "interval_s" in refused.json()["error"]


def test_watchers_of_views_count_as_readers() -> None:
    with (
        running({}, limits={"max_readers": 1}) as one,
        one.http.stream("GET", "/api/sources", headers=EVENTS) as first,
    ):
        watched = told(first)  # kept: closing it would close the connection
        next(watched)
        refused = httpx.get(f"{one.url}/api/stats", headers=EVENTS)
        assert refused.status_code == 503
        assert httpx.get(f"{one.url}/api/stats").status_code == 200


def test_a_slow_stage_is_seen_in_the_stats(server: Running) -> None:
    slow = {"type": "simulate", "cost_ms": 300, "name": "slow"}
    server.http.post("/api/streams", json={"id": "slow", "source": PATTERN, "stages": [slow]})

    def lost() -> Any:
        streams = server.http.get("/api/stats").json()["streams"]
        stage = next(each["stages"][0] for each in streams if each["id"] == "slow")
        return stage if stage["dropped"] else None

    assert set(until(lost)["dropped"]) <= {"overrun", "late"}
    server.http.delete("/api/streams/slow")


def test_results_of_one_detector_or_class(server: Running) -> None:
    objects = [
        DetectedObject((0, 0, 9, 9), name, 0, 0.9, detector=detector)
        for name, detector in (("car", "a"), ("person", "a"), ("person", "b"))
    ]
    message = Result("s", 0, 0, 0, 0, (9, 9), 0, [], {}, objects, extra={"kept": 1})

    def kept(*, unnamed: bool = False, **names: set[str]) -> list[tuple[str, str]]:
        given = {key: frozenset(value) for key, value in names.items()}
        chosen = Filter(**given, unnamed=unnamed)
        result = chosen.of(message)
        assert isinstance(result, Result)
        assert msgspec.structs.replace(result, objects=objects) == message
        return [(each.class_name, each.detector) for each in result.objects]

    assert kept(detectors={"a"}) == [("car", "a"), ("person", "a")]
    assert kept(classes={"person"}) == [("person", "a"), ("person", "b")]
    assert kept(detectors={"b"}, classes={"person", "car"}) == [("person", "b")]
    objects.append(DetectedObject((0, 0, 9, 9), "thing", 0, 0.9))
    assert kept(detectors={"a"}, unnamed=True)[-1] == ("thing", "")
    assert ("thing", "") not in kept(detectors={"a"})
    assert kept() == [(each.class_name, each.detector) for each in objects]
    problem = Problem("s", "x", "y", 0)
    assert Filter(detectors=frozenset({"a"})).of(problem) is problem


def test_readers_may_ask_for_one_detector(server: Running) -> None:
    known = detectors_of(server.state.engine.get("pat").spec)
    path = "/api/streams/pat/results"

    def found(response: httpx.Response) -> set[str]:
        seen = awaited(told(response), lambda data: data["type"] == "result" and data["seq"] > 2)
        return {each["class_name"] for each in seen["objects"]}

    with server.http.stream("GET", path) as response:
        classes = found(response)
    assert classes
    with server.http.stream("GET", f"{path}?detector=left") as response:
        assert found(response) == classes
    with server.http.stream("GET", f"{path}?class=none-such") as response:
        assert found(response) == set()
    refused = server.http.get(f"{path}?detector=left&detector=none-such")
    assert refused.status_code == 404
    assert "none-such" in refused.json()["error"]
    assert all(name in refused.json()["error"] for name in known)
    url = server.url.replace("http", "ws") + path + "/ws"
    with pytest.raises(InvalidStatus) as answer:
        connect(f"{url}?detector=none-such")
    assert answer.value.response.status_code == 404
    with connect(f"{url}?class={classes.pop()}") as ws:
        assert isinstance(decoded(ws.recv(10)), Result)


def test_two_models_are_told_apart() -> None:
    clip = {"type": "file", "path": str(zoo.clip("faces")), "loop": True}
    stages = [
        {"type": "detect", "model": "face-blaze", "threads": 1},
        {"type": "detect", "model": "person-ssdlite", "threads": 1, "confidence": 0.2},
    ]
    with running({"streams": {"duo": {"source": clip, "stages": stages}}}) as one:

        def found(query: str) -> set[tuple[str, str]]:
            with one.http.stream("GET", f"/api/streams/duo/results{query}") as response:
                seen = awaited(told(response), lambda data: data.get("objects"))
            return {(each["class_name"], each["detector"]) for each in seen["objects"]}

        both = {("face", "face-blaze"), ("person", "person-ssdlite")}
        assert until(lambda: found("") == both)
        assert found("?detector=face-blaze") == {("face", "face-blaze")}
        assert found("?class=person") == {("person", "person-ssdlite")}
        assert found("?detector=face-blaze&detector=person-ssdlite") <= both


async def test_viewers_may_ask_for_one_class(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        client(server.url, monkeypatch) as one,
        client(server.url, monkeypatch) as other,
    ):
        assert (await one.watch("/whep/pat?class=none-such", results=True)).status_code == 201
        assert (await other.watch("/whep/pat", results=True)).status_code == 201
        for viewer, wants in ((one, 0), (other, 1)):
            message = decoded(await asyncio.wait_for(viewer.messages.get(), 15))
            assert isinstance(message, Result)
            assert len(message.objects) == wants
    async with client(server.url, monkeypatch) as refused:
        answer = await refused.watch("/whep/pat?detector=none-such", results=True)
        assert answer.status_code == 404


def test_names_that_results_can_be_filtered_by() -> None:
    data = {"source": "pattern://", "stages": [
        {"type": "detect", "model": "face-blaze"},
        {"type": "detect", "model": "face-blaze", "name": "far"},
        "track",
    ]}  # fmt: skip
    assert detectors_of(plugins.pipeline(data)) == ["face-blaze", "far"]


def test_rates_are_those_of_the_window() -> None:
    counts: dict[tuple[str, ...], int] = {}
    rates = Rates(lambda: dict(counts))
    assert rates.per_s() == {}
    for second in range(20):
        counts["a",] = 10 * second
        counts["again",] = 100 if second < 15 else second - 15
        if second == 18:
            counts["new",] = 0
        if second == 19:
            counts["new",] = 7
        rates.look(second * 1_000_000_000)
    assert rates.window_s == 10
    assert rates.per_s() == {("a",): 10, ("again",): 1, ("new",): 7}


def test_usage_counts_children(tmp_path: Any) -> None:
    import os

    def process(pid: int, name: str, ticks: int, pages: int, *children: int) -> None:
        folder = tmp_path / str(pid)
        (folder / "task" / str(pid)).mkdir(parents=True)
        (folder / "stat").write_text(f"{pid} ({name}) S {'0 ' * 10}{ticks} {ticks} 0\n")
        (folder / "statm").write_text(f"9 {pages} 0\n")
        (folder / "task" / str(pid) / "children").write_text(" ".join(map(str, children)))

    process(os.getpid(), "main", 100, 1000, 7, 8)
    process(7, "odd ) name", 50, 500)
    mib = os.sysconf("SC_PAGE_SIZE") / 2**20
    found = usage(tmp_path)  # 8 has ended meanwhile
    assert found.processes == 2
    assert found.rss_mib == pytest.approx(1500 * mib)
    assert found.cpu_s == pytest.approx(300 / os.sysconf("SC_CLK_TCK"))
    assert usage().rss_mib > 5
    assert usage(tmp_path / "none").processes == 1


def test_cores_since_the_look_before(monkeypatch: pytest.MonkeyPatch) -> None:
    from livelens.server.figures import usage as module

    now = 0
    monkeypatch.setattr(module, "now_ns", lambda: now)
    monkeypatch.setattr(module, "usage", lambda: Usage(5.0, 1, 1))
    meter = CpuMeter()
    now = 2_000_000_000
    assert meter.cores(Usage(8.0, 1, 1)) == 1.5
    now += 1000
    assert meter.cores(Usage(9.0, 1, 1)) == 1.5
    now += 1_000_000_000
    assert meter.cores(Usage(8.0, 1, 1)) == 0
    with Engine() as engine:
        assert engine.streams == {}
