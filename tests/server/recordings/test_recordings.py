"""Recordings over HTTP: real streams and files, decoded again."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest
import supervision as sv

from livelens.picture import Pixels
from livelens.server.recordings.archive import Archive, RecordingInfo, to_delete
from livelens.server.recordings.seen import Seen
from livelens.server.recordings.settings import Recordings
from livelens.sinks.whep import Whep
from livelens.sources.counter import read_counter
from livelens.sources.pattern import Pattern
from livelens.spec import PipelineSpec, StageSpec
from livelens.types import Item
from tests.server.running import Running, running, until
from tests.server.viewer import client

PATTERN = Pattern(width_px=320, height_px=288, fps=30)  # the least whose numbers survive


class Count(StageSpec, frozen=True, kw_only=True):
    """Finds a box that is as far from the left as the picture's own number says."""

    gives: ClassVar[frozenset[str]] = frozenset({"detections"})

    def open(self) -> "CountStage":
        return CountStage()


class CountStage:
    def process(self, items: Sequence[Item]) -> list[Item]:
        return [item.with_(detections=_found(item)) for item in items]

    def close(self) -> None:
        pass


def _found(item: Item) -> sv.Detections:
    number = read_counter(item.frame.image)
    assert number is not None
    return sv.Detections(
        xyxy=np.array([[number, 60, number + 20, 80]], np.float32),
        class_id=np.array([0]),
        confidence=np.array([0.9], np.float32),
        tracker_id=np.array([1]),
        data={"class_name": np.array(["counted" if number % 90 < 45 else "other"])},
    )


@contextmanager
def recording(folder: Path, **settings: Any) -> Iterator[Running]:
    """A server with a stream, which records into this folder."""
    with running({"recordings": {"folder": str(folder), "min_free_bytes": 0, **settings}}) as one:
        spec = PipelineSpec(source=PATTERN, stages=(Count(),), sinks=(Whep(name="main"),))
        one.inside(one.state.streams.add("pat", spec))
        until(lambda: one.state.engine.get("pat").counts[1] > 2)
        yield one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with recording(tmp_path / "kept") as one:
        yield one


def start(server: Running, **body: Any) -> dict[str, Any]:
    made = server.http.post("/api/streams/pat/recordings", json=body)
    assert made.status_code == 201, made.text
    info: dict[str, Any] = made.json()
    assert made.headers["location"] == f"/api/recordings/{info['id']}"
    return info


def seconds_of(server: Running, recording_id: str, wanted: float) -> None:
    """Wait until the recording is so long."""
    path = f"/api/recordings/{recording_id}"
    until(lambda: server.http.get(path).json()["duration_s"] >= wanted)


def recorded(server: Running, wanted: float = 1.2, **body: Any) -> dict[str, Any]:
    """A recording of so many seconds that has ended."""
    info = start(server, **body)
    seconds_of(server, info["id"], wanted)
    ended = server.http.post(f"/api/recordings/{info['id']}/stop")
    assert ended.status_code == 200, ended.text
    done: dict[str, Any] = ended.json()
    return done


def pictures(path: Path) -> list[tuple[int, float]]:
    """Number and time of every picture in a file."""
    with av.open(str(path)) as file:
        frames = [(pixels(f), f.time) for f in file.decode(video=0)]
    found = [(read_counter(image), time) for image, time in frames]
    assert None not in [number for number, _ in found]
    return [(number, time) for number, time in found if number is not None and time is not None]


def pixels(frame: av.VideoFrame) -> Pixels:
    return np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)


def results(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_results_belong_to_their_very_pictures(server: Running, tmp_path: Path) -> None:
    info = recorded(server)
    assert (info["state"], info["end"], info["stream"]) == ("ended", "asked", "pat")
    assert info["size_px"] == [320, 288]
    base = f"/api/recordings/{info['id']}"
    video = server.http.get(f"{base}/video?download=1")
    assert video.headers["content-type"] == "video/mp4"
    assert video.headers["content-disposition"] == f'attachment; filename="{info["id"]}.mp4"'
    (tmp_path / "video.mp4").write_bytes(video.content)
    shown = pictures(tmp_path / "video.mp4")
    assert len(shown) == info["frames"] >= 30
    assert shown[0][1] == 0
    told = results(server.http.get(f"{base}/results").text)
    assert len(told) == info["results"]
    by_time = {round((each["pts_ns"] - info["first_pts_ns"]) * 90_000 / 1e9): each for each in told}
    matched = 0
    for number, time in shown:
        result = by_time.get(round(time * 90_000))
        if result is not None:
            matched += 1
            assert result["objects"][0]["box"][0] == number
    assert matched >= 0.8 * len(shown)
    assert min(by_time) >= 0
    assert abs(info["duration_s"] - (shown[-1][1] + 1 / 30)) < 0.05
    assert info["seen"]
    [listed] = server.http.get("/api/recordings").json()["recordings"]
    assert listed == {**info, "seen": {}}
    assert server.http.get(base).json()["seen"] == info["seen"]
    picture = server.http.get(f"{base}/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content[:2] == b"\xff\xd8"


def test_a_recording_knows_the_lines_that_were_drawn(server: Running) -> None:
    line = {"name": "road", "start": [0.1, 0.5], "end": [0.9, 0.5]}
    flux = {"type": "flux", "units": "fraction", "lines": [line]}
    stages = [{"type": "simulate", "boxes": [[0.3, 0.5, 0.5, 0.8]]}, {"type": "track"}, flux]
    assert server.http.patch("/api/streams/pat", json={"stages": stages}).status_code == 200
    info = start(server)
    assert [(each["units"], each["lines"]) for each in info["flux"]] == [("fraction", [line])]


async def test_who_watches_stays_and_changes_do_not_end_it(
    server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat")).status_code == 201
        await viewer.picture()
        before = server.http.get("/api/streams/pat").json()
        info = await asyncio.to_thread(start, server)
        drawn = await asyncio.to_thread(lambda: start(server, drawn=True))
        assert (info["drawn"], drawn["drawn"]) == (False, True)
        again = server.http.post("/api/streams/pat/recordings", json={})
        assert again.status_code == 409
        assert "already" in again.json()["error"]
        now = server.http.get("/api/streams/pat").json()
        assert now["spec"] == before["spec"]
        assert [sink["name"] for sink in now["sinks"]] == ["main"]
        assert server.state.sessions.viewers == 1

        # What a user changes about the stream is none of a recording's business.
        patch = {"stages": [{"type": "simulate", "boxes": [[0.3, 0.5, 0.5, 0.8]]}]}
        sinks = [{"type": "whep", "name": "other"}, {"type": "whep", "name": "main"}]
        for body in (patch, {"sinks": sinks}, {"max_delay_s": 0.5}):
            done = await asyncio.to_thread(server.http.patch, "/api/streams/pat", json=body)
            assert done.status_code == 200, done.text
        await viewer.picture()
        await asyncio.to_thread(seconds_of, server, info["id"], 1.0)
        both = server.http.get("/api/recordings?state=recording").json()
        assert {each["id"] for each in both["recordings"]} == {info["id"], drawn["id"]}

        for each in (info, drawn):
            path = f"/api/recordings/{each['id']}"
            await asyncio.to_thread(server.http.post, f"{path}/stop")
        await viewer.picture()
        assert server.state.sessions.viewers == 1
    folder = tmp_path / "kept"
    found = [names(line) for line in (folder / f"{info['id']}.jsonl").open()]
    assert {"object"} in found  # the new stage's
    assert [n for n, _ in pictures(folder / f"{info['id']}.mp4")] == sorted(
        n for n, _ in pictures(folder / f"{info['id']}.mp4")
    )
    # Boxes are drawn on one of them and not on the other.
    assert differs(folder / f"{info['id']}.mp4", folder / f"{drawn['id']}.mp4")
    assert server.state.engine.get("pat").state == "running"


def names(line: str) -> set[str]:
    return {each["class_name"] for each in json.loads(line)["objects"]}


def differs(plain: Path, drawn: Path) -> bool:
    def images(path: Path) -> dict[int, Any]:
        with av.open(str(path)) as file:
            decoded = [pixels(frame) for frame in file.decode(video=0)]
        return {number: image for image in decoded if (number := read_counter(image)) is not None}

    one, other = images(plain), images(drawn)
    both = sorted(set(one) & set(other))
    assert len(both) > 10
    below = slice(40, None)  # the numbers are in the top
    return any(
        np.abs(one[n][below].astype(int) - other[n][below].astype(int)).max() > 60 for n in both
    )


def test_a_video_of_which_nothing_was_written_is_none(server: Running, tmp_path: Path) -> None:
    info = recorded(server, 0.6)
    (tmp_path / "kept" / f"{info['id']}.mp4").write_bytes(b"")
    response = server.http.get(f"/api/recordings/{info['id']}/video")
    assert response.status_code == 404
    assert "no video" in response.json()["error"]


def test_ranges(server: Running) -> None:
    info = recorded(server, 0.6)
    path = f"/api/recordings/{info['id']}/video"
    whole = server.http.get(path)
    data, etag = whole.content, whole.headers["etag"]
    size = len(data)
    assert whole.headers["accept-ranges"] == "bytes"

    def part(text: str, **headers: str) -> Any:
        return server.http.get(path, headers={"Range": text, **headers})

    for text, first, last in [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, size),
        ("bytes=-50", size - 50, size),
        (f"bytes=7-{size + 1000}", 7, size),
        (f"bytes=-{size + 1000}", 0, size),
    ]:
        response = part(text)
        assert response.status_code == 206
        assert response.content == data[first:last]
        assert response.headers["content-range"] == f"bytes {first}-{last - 1}/{size}"
        assert response.headers["etag"] == etag
    for text in (f"bytes={size}-", "bytes=-0"):
        assert part(text).status_code == 416
        assert part(text).headers["content-range"] == f"bytes */{size}"
    no_range = ("bytes=5-2", "lines=0-1", "bytes=0-1,5-6", "bytes=", "bytes=a-b")
    for text in (*no_range, f"bytes={'9' * 5000}-"):
        assert part(text).content == data
    assert part("bytes=0-1", **{"If-Range": '"other"'}).content == data
    assert part("bytes=0-1", **{"If-Range": etag}).status_code == 206
    assert server.http.get(path, headers={"If-None-Match": etag}).status_code == 304
    head = server.http.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))


def test_what_is_there_plays_while_it_goes_on(server: Running, tmp_path: Path) -> None:
    info = start(server)
    path = f"/api/recordings/{info['id']}"

    def longer(than: int) -> dict[str, Any]:
        now: dict[str, Any] = server.http.get(path).json()
        return now if now["playable_bytes"] > than else {}

    first = until(lambda: longer(0))
    url = f"{path}/video?to={first['playable_bytes']}"
    before = server.http.get(url)
    (tmp_path / "now.mp4").write_bytes(before.content)
    with av.open(str(tmp_path / "now.mp4")) as file:
        assert file.duration is not None
        told_s = file.duration / 1e6
    shown = pictures(tmp_path / "now.mp4")
    assert abs(told_s - len(shown) / 30) < 0.2
    until(lambda: longer(first["playable_bytes"]))
    after = server.http.get(url)
    assert after.content == before.content
    assert after.headers["etag"] == before.headers["etag"]
    assert server.http.get(f"{path}/video?to=12345").status_code == 404
    assert server.http.get(f"{path}/video?to=-1").status_code == 400
    assert len(server.http.get(f"{path}/video").content) > len(before.content)
    assert server.http.delete(path).status_code == 204
    assert server.http.get(path).status_code == 404
    assert list((tmp_path / "kept").glob("pat-*")) == []


def test_results_in_pieces(server: Running) -> None:
    info = recorded(server, 1.0)
    path = f"/api/recordings/{info['id']}/results"
    whole = results(server.http.get(path).text)

    def at(each: dict[str, Any]) -> float:
        return float(each["pts_ns"] - info["first_pts_ns"]) / 1e9

    for from_s, to_s in [(0, 0.3), (0.3, 0.7), (0.7, 9), (0.29, 0.31), (5, 6), (0, 0)]:
        piece = results(server.http.get(path, params={"from_s": from_s, "to_s": to_s}).text)
        assert piece == [each for each in whole if from_s <= at(each) < to_s]
    assert results(server.http.get(path, params={"from_s": 0.5}).text) == [
        each for each in whole if at(each) >= 0.5
    ]
    for wrong in ("-1", "soon", "nan", "inf"):
        refused = server.http.get(path, params={"from_s": wrong})
        assert refused.status_code == 400
        assert "from_s" in refused.json()["error"]


def test_lists_are_paged_and_filtered(server: Running) -> None:
    made = [recorded(server, 0.3)["id"] for _ in range(3)]
    listed = server.http.get("/api/recordings").json()
    assert [each["id"] for each in listed["recordings"]] == made[::-1]
    assert (listed["total"], listed["streams"]) == (3, ["pat"])
    sizes = [each["size_bytes"] for each in listed["recordings"]]
    assert listed["storage"]["used_bytes"] == sum(sizes)
    assert listed["storage"]["free_bytes"] > 0
    page = server.http.get("/api/recordings?limit=1&skip=1").json()
    assert [each["id"] for each in page["recordings"]] == [made[1]]
    assert server.http.get("/api/recordings?stream=other").json()["total"] == 0
    assert server.http.get("/api/recordings?state=recording").json()["total"] == 0
    for wrong in ("limit=x", "limit=-1", "limit=100000", f"skip={'9' * 5000}", "state=odd"):
        assert server.http.get(f"/api/recordings?{wrong}").status_code == 400


@pytest.mark.parametrize(
    "name",
    ["none", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "pat/../x", "%00", ".livelens", "a" * 300],
)
def test_names_of_nothing(server: Running, name: str) -> None:
    for path in ("", "/video", "/results", "/picture"):
        answer = server.http.get(f"/api/recordings/{name}{path}")
        assert answer.status_code in (404, 307) or answer.url.path == "/api/recordings"
    assert server.http.delete(f"/api/recordings/{name}").status_code in (404, 405)


def test_mistakes(server: Running) -> None:
    assert server.http.post("/api/streams/none/recordings", json={}).status_code == 404
    bodies: list[Any] = [{"drwan": True}, {"drawn": "yes"}, []]
    for body in bodies:
        refused = server.http.post("/api/streams/pat/recordings", json=body)
        assert refused.status_code == 400, refused.text
    with running({}) as off:
        for answer in (off.http.get("/api/recordings"), off.http.get("/api/recordings/x/video")):
            assert answer.status_code == 403
            assert "recordings: {enabled: true}" in answer.json()["error"]


@pytest.mark.parametrize("how", ["delete", "end"])
def test_it_ends_with_its_stream(tmp_path: Path, how: str) -> None:
    with recording(tmp_path) as one:
        info = start(one)
        path = f"/api/recordings/{info['id']}"
        seconds_of(one, info["id"], 0.5)
        if how == "delete":
            assert one.http.delete("/api/streams/pat").status_code == 204
        else:
            one.state.engine.get("pat")._end("ended", "")
        ended = until(lambda: now if (now := one.http.get(path).json())["state"] == "ended" else {})
        assert ended["end"] == {"delete": "stream-stopped", "end": "stream-ended"}[how]
        assert len(pictures(tmp_path / f"{info['id']}.mp4")) == ended["frames"] > 5
        assert one.http.post("/api/streams/pat/recordings").status_code in (404, 409)


def test_a_stream_that_is_stopped_is_not_recorded(server: Running) -> None:
    info = start(server)
    seconds_of(server, info["id"], 0.3)
    path = f"/api/recordings/{info['id']}"
    assert server.http.post("/api/streams/pat/restart").status_code == 200
    assert server.http.get(path).json()["state"] == "recording"  # as viewers, it stays
    seconds_of(server, info["id"], server.http.get(path).json()["duration_s"] + 0.3)
    assert server.http.post("/api/streams/pat/stop").status_code == 200
    until(lambda: server.http.get(path).json()["state"] == "ended")
    assert server.http.get(path).json()["end"] == "stream-stopped"
    refused = server.http.post("/api/streams/pat/recordings")
    assert refused.status_code == 409
    assert "stopped" in refused.json()["error"]


def test_it_is_complete_when_the_server_stops(tmp_path: Path) -> None:
    with recording(tmp_path) as one:
        info = start(one)
        seconds_of(one, info["id"], 0.5)
    with recording(tmp_path) as one:
        [ended] = one.http.get("/api/recordings").json()["recordings"]
        assert (ended["id"], ended["state"], ended["end"]) == (info["id"], "ended", "server")
        assert len(pictures(tmp_path / f"{info['id']}.mp4")) == ended["frames"] > 10


def test_limits_end_it_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with recording(tmp_path, max_length_s=0.8, min_free_bytes=1000, max_bytes=10**6) as one:
        with one.state.engine.bus.subscribe("pat", results=False) as told:
            info = start(one)
            path = f"/api/recordings/{info['id']}"
            until(lambda: one.http.get(path).json()["state"] == "ended")
            assert one.http.get(path).json()["end"] == "length"
            assert 0.7 < one.http.get(path).json()["duration_s"] < 1.2
            assert problem(told) == "the recording has reached its greatest length"
        with one.state.engine.bus.subscribe("pat", results=False) as told:
            info = start(one)
            seconds_of(one, info["id"], 0.1)
            monkeypatch.setattr(Archive, "free_bytes", lambda _: 999)
            one.inside(one.state.recorder.keep_to_limits())
            assert one.http.get(f"/api/recordings/{info['id']}").json()["end"] == "disk"
            assert problem(told) == "the recording has ended, since the disk is almost full"
        refused = one.http.post("/api/streams/pat/recordings")
        assert refused.status_code == 503
        assert "disk is almost full" in refused.json()["error"]
        assert "livelens_recordings_bytes" in one.http.get("/metrics").text


def problem(told: Any) -> str:
    while True:
        message = told.get(10)
        if type(message).__name__ == "Problem":
            return str(message.message)


def test_retention_takes_the_oldest_and_only_ours(tmp_path: Path) -> None:
    with recording(tmp_path, max_bytes=1000, max_length_s=100) as one:
        foreign = tmp_path / "holiday.mp4"
        foreign.write_bytes(b"mine")
        (tmp_path / "notes.json").write_text("{}")
        first, second = recorded(one, 0.3), start(one)
        seconds_of(one, second["id"], 0.5)
        one.inside(one.state.recorder.keep_to_limits())
        left = one.http.get("/api/recordings").json()["recordings"]
        assert [(each["id"], each["end"]) for each in left] == [(second["id"], "space")]
        assert not (tmp_path / f"{first['id']}.mp4").exists()
        metrics = one.http.get("/metrics").text
        assert 'livelens_recordings_deleted_total{reason="space"} 1.0' in metrics
        assert foreign.read_bytes() == b"mine"
    with recording(tmp_path, max_age_s=0.001) as one:
        until(lambda: one.http.get("/api/recordings").json()["total"] == 0)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            ".livelens.lock", "holiday.mp4", "notes.json",
        ]  # fmt: skip


def test_which_have_to_go() -> None:
    def info(name: str, began: float, size: int) -> RecordingInfo:
        return RecordingInfo(name, "s", False, "ended", began, began + 10, size_bytes=size)

    kept = [info("a", 0, 5), info("b", 100, 5), info("c", 200, 5)]
    settings = Recordings(max_age_s=1000, max_bytes=11)
    assert to_delete(kept, 15, 300, settings) == [("a", "space")]
    assert to_delete(kept, 15, 1050, settings) == [("a", "age")]
    assert to_delete(kept, 40, 300, settings) == [("a", "space"), ("b", "space"), ("c", "space")]
    assert to_delete(kept, 15, 9e9, Recordings(max_age_s=None, max_bytes=None)) == []


def test_two_servers_in_one_folder(server: Running, tmp_path: Path) -> None:
    info = start(server)
    with recording(tmp_path / "kept") as other:
        refused = other.http.post("/api/streams/pat/recordings")
        assert refused.status_code == 409
        assert "another server" in refused.json()["error"]
    assert server.http.get(f"/api/recordings/{info['id']}").json()["state"] == "recording"
    assert not (tmp_path / "kept" / f"{info['id']}.json.new").exists()


def test_rights(server: Running) -> None:
    def bearer(stream: str, *actions: str) -> dict[str, str]:
        wish = {"grants": [{"stream": stream, "actions": actions}]}
        made = server.http.post("/api/tokens", json=wish)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['token']}"}

    view, other = bearer("pat", "view"), bearer("else", "control")
    info = recorded(server, 0.3)
    base = f"/api/recordings/{info['id']}"
    for part in ("", "/video", "/results", "/picture"):
        assert server.http.get(base + part, headers=view).status_code == 200
        assert server.http.get(base + part, headers=other).status_code == 404
    assert server.http.get("/api/recordings", headers=view).json()["total"] == 1
    hidden = server.http.get("/api/recordings", headers=other).json()
    assert (hidden["recordings"], hidden["streams"]) == ([], [])
    start_path = "/api/streams/pat/recordings"
    for headers, status in ((view, 403), (other, 404)):
        assert server.http.post(start_path, headers=headers).status_code == 403
        assert server.http.post(f"{base}/stop", headers=headers).status_code == status
        assert server.http.delete(base, headers=headers).status_code == status
    control = bearer("p*", "control")
    made = server.http.post(start_path, headers=control)
    assert made.status_code == 201
    gone = server.http.delete(f"/api/recordings/{made.json()['id']}", headers=control)
    assert gone.status_code == 204
    assert server.http.get(base, headers=view).status_code == 200


def test_marks_stay_few() -> None:
    seen = Seen()
    for i in range(20_000):
        seen.add(i * 3.0, {"person"})
    spans = seen.spans["person"]
    assert len(spans) <= 400
    assert spans[0][0] == 0
    assert spans[-1][1] == 19_999 * 3.0
