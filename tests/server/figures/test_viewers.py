"""Who watches and who publishes: as the server sees it, and as their players say."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from livelens.clock import NS_PER_S
from livelens.server.figures import viewers
from livelens.server.figures.viewers import MAX_REPORT_BYTES, ViewerReport
from tests.server.running import PATTERN, Running, eventually, running
from tests.server.viewer import client

STREAMS = {
    "pat": {
        "source": PATTERN,
        "stages": [],
        "sinks": [
            {"type": "whep", "name": "main", "gop_s": 0.5},
            {"type": "whep", "name": "small"},
        ],
    },
    "door": {"source": "whip", "stages": []},
}
REPORT = {
    "browser": "Chromium 140", "width_px": 192, "height_px": 108, "fps": 29.9, "freezes": 1,
    "frozen_s": 0.4, "jitter_buffer_ms": 12.5, "packets_lost": 3, "codec": "H264",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running({"streams": STREAMS}) as one:
        yield one


def sessions(server: Running, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.http.get("/api/viewers", params=asked).json()["sessions"]
    return found


def of(server: Running, session: str) -> dict[str, Any]:
    """What is told of one session; others may be on their way out."""
    short = session.rpartition("/")[2][:6]
    [found] = [each for each in sessions(server) if each["id"] == short]
    return found


def say(server: Running, session: str, **fields: Any) -> httpx.Response:
    return server.http.post(f"{session}/report", json=fields)


async def test_a_viewer_is_told_with_both_views(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat?rendition=small")
        await viewer.connected()
        await viewer.picture()

        def watched() -> Any:
            one = of(server, viewer.session)
            return one if one["server"]["bitrate_bps"] > 0 and one["server"]["rtt_s"] else None

        one = await eventually(watched)
        assert (one["kind"], one["stream"], one["rendition"]) == ("whep", "pat", "small")
        assert one["address"] == "127.0.0.1"
        assert one["report"] is None
        seen = one["server"]
        assert seen["state"] == "connected"
        assert seen["codec"] in ("h264", "vp8")
        assert seen["packets"] >= seen["pictures"] > 0
        assert (seen["loss"], seen["packets_lost"]) == (0, 0)

        assert say(server, viewer.session, **REPORT).status_code == 204
        one = of(server, viewer.session)
        said = {name: value for name, value in one["report"].items() if value is not None}
        assert said == REPORT
        assert one["report_age_s"] >= 0
        assert sessions(server, stream="door") == []

        table = server.http.get("/api/viewers.csv", params={"stream": "pat"}).text
        row = list(csv.DictReader(io.StringIO(table, newline="")))[-1]
        assert row["address"] == "127.0.0.1"
        assert float(row["player_jitter_buffer_ms"]) == 12.5
        assert int(row["packets"]) >= seen["packets"]
        assert row["player_held_ms"] == ""
    await eventually(lambda: sessions(server) == [])


async def test_the_time_between_keyframes_is_measured(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat?rendition=main")
        await viewer.connected()

        def measured() -> Any:
            found = of(server, viewer.session)["server"]
            return found if found["keyframes"] >= 5 else None

        found = await eventually(measured)
        assert 0.3 < found["keyframe_interval_s"] < 1, "gop_s is 0.5"


async def test_a_publisher_is_told_too(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as camera:
        await camera.publish("/whip/door")
        await camera.connected()

        def heard() -> Any:
            found = [each for each in sessions(server) if each["stream"] == "door"]
            return found[0] if found and found[0]["server"]["pictures"] > 5 else None

        one = await eventually(heard)
        assert (one["kind"], one["rendition"]) == ("whip", "")
        assert one["server"]["bitrate_bps"] > 0


async def test_sessions_cannot_be_ended_by_who_reads_about_them(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat")
        secret = viewer.session.rpartition("/")[2]
        for path in ("/api/viewers", "/api/viewers.csv"):
            text = server.http.get(path).text
            assert secret[:6] in text or path.endswith("csv")
            assert secret not in text


async def test_who_controls_one_stream_sees_no_viewers_of_another(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat")
        found = [s for s in server.state.sessions.all() if s.stream_id == "pat"]
        assert found
        assert viewers.viewers_of(server.state, may_see=lambda name: name != "pat").sessions == []


async def test_reports_are_refused_where_they_mean_nothing(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat")
        here = viewer.session
        for wrong in (
            {"colour": "red"}, {"fps": -1}, {"fps": "30"}, {"browser": "x" * 65},
            {"width_px": 1.5}, {"frozen_s": 1e300}, {"packets_lost": 2**60},
        ):  # fmt: skip
            answer = say(server, here, **wrong)
            assert answer.status_code == 400
            assert next(iter(wrong)) in answer.json()["error"]
        url = f"{here}/report"
        kind = {"Content-Type": "application/json"}
        no_text = b'{"browser": "\xff"}'
        for body in (b"", b"[]", b"{", b"\xff", no_text, b'{"fps": NaN}', b"[" * 2000):
            assert server.http.post(url, content=body, headers=kind).status_code == 400, body
        large = b" " * (MAX_REPORT_BYTES + 1)
        assert server.http.post(url, content=large, headers=kind).status_code == 413
        assert server.http.post(url, content=b"{}").status_code == 415
        assert server.http.post("/whep/pat/nobody/report", json={}).status_code == 404
        other = here.replace("/pat/", "/door/")
        assert server.http.post(f"{other}/report", json={}).status_code == 404
        assert server.http.get(url).status_code == 405
        assert of(server, viewer.session)["report"] is None


async def test_no_more_than_one_report_a_second_is_kept(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = [10 * NS_PER_S]
    monkeypatch.setattr(viewers, "now_ns", lambda: moments[-1])
    async with client(server.url, monkeypatch) as viewer:
        await viewer.watch("/whep/pat")
        say(server, viewer.session, fps=10)
        say(server, viewer.session, fps=20)
        assert of(server, viewer.session)["report"]["fps"] == 10
        moments.append(11 * NS_PER_S)
        say(server, viewer.session, fps=30)
        assert of(server, viewer.session)["report"]["fps"] == 30


def test_a_table_without_sessions_has_a_header(server: Running) -> None:
    empty = server.http.get("/api/viewers.csv", params={"stream": "nobody"})
    assert empty.text.startswith("kind,stream,rendition,address,")


def test_a_report_has_a_bound_for_everything() -> None:
    longest = {
        field.name: "x" * 64 if "Text" in str(field.type) or field.name in ("browser", "codec")
        else 1e9 if field.name != "fps" else 1000.0
        for field in msgspec.structs.fields(ViewerReport)
    }  # fmt: skip
    assert len(msgspec.json.encode(longest)) < MAX_REPORT_BYTES
