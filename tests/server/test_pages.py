"""Health, metrics, the API's description, and the page."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from livelens.server import pages
from livelens.server.routes import ENDPOINTS
from tests.server.running import PATTERN, Running, running
from tests.server.viewer import client


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = {"streams": {"pat": {"source": PATTERN, "stages": ["simulate"]}}}
    with running(config) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(pages, "web_folder", lambda: web)
    return web


def test_health(server: Running) -> None:
    assert server.http.get("/healthz").json() == {"status": "ok"}
    ready = server.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["not_started"] == []
    server.state.closing = True
    try:
        assert server.http.get("/readyz").status_code == 503
    finally:
        server.state.closing = False


def test_a_stream_that_does_not_start_is_named(tmp_path: Path) -> None:
    sink = {"type": "record", "name": "r", "path": str(tmp_path / "none" / "x" / "out.mp4")}
    bad = {"source": PATTERN, "stages": [], "sinks": [sink]}
    with running({"streams": {"bad": bad, "good": {"source": PATTERN, "stages": []}}}) as one:
        ready = one.http.get("/readyz").json()
        assert ready == {"status": "ready", "streams": 1, "not_started": ["bad"]}


async def test_metrics(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(server.url, monkeypatch) as viewer:
        assert (await viewer.watch("/whep/pat")).status_code == 201
        await viewer.picture()
        response = server.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert samples["livelens_viewers", "main", "pat"] == 1
    assert samples["livelens_encoder_pictures_total", "h264", "main", "pat"] > 0
    counted = samples["livelens_encode_seconds_count", "h264", "main", "pat"]
    assert counted == samples["livelens_encoder_pictures_total", "h264", "main", "pat"]
    assert samples["livelens_encode_seconds_bucket", "+Inf", "h264", "main", "pat"] == counted
    assert samples["livelens_peers", "connected", "whep"] == 1
    assert samples["livelens_frames_captured_total", "pat"] > 0
    assert samples["livelens_stage_seconds_count", "pat", "simulate"] > 0
    assert samples["livelens_streams", "running"] == 1
    assert ("livelens_waiting_frames", "main", "pat") in samples


def test_the_api_describes_every_route(server: Running) -> None:
    document = server.http.get("/openapi.json").json()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described == {(each.method, each.path) for each in ENDPOINTS if not each.hidden}
    text = server.http.get("/openapi.json").text
    for name in document["components"]["schemas"]:
        text = text.replace(f"#/components/schemas/{name}", "")
    assert "#/" not in text, "a reference leads nowhere"
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert operation["responses"]
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(set(ids)) == len(ids)
    schema = document["components"]["schemas"]["StreamInfo"]
    assert set(server.http.get("/api/streams/pat").json()) == set(schema["properties"])
    messages = server.http.get("/api/schema").json()
    assert {"Result", "Problem", "State"} <= set(messages["$defs"])


def test_errors_are_json(server: Running) -> None:
    missing = server.http.get("/api/nothing")
    assert missing.status_code == 404
    assert missing.json() == {"error": "Not Found: GET /api/nothing"}
    wrong = server.http.put("/api/streams")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert "error" in wrong.json()


def test_a_mistake_of_ours_is_told_to_the_log_only(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr(type(server.state.engine), "get", fail)
    response = server.http.get("/api/streams/pat")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "internal error" in response.json()["error"]
    assert httpx.get(server.url + "/healthz").status_code == 200


def test_a_hint_where_no_page_was_built(server: Running, folder: Path) -> None:
    response = server.http.get("/")
    assert response.status_code == 200
    assert "has not been built" in response.text


def test_the_page_and_its_policy(server: Running, folder: Path) -> None:
    (folder / "index.html").write_text("<!doctype html>" + "<p>page</p>" * 500)
    (folder / "assets" / "app-1a2b.js").write_text("1")
    response = server.http.get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["cache-control"] == "no-cache"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["permissions-policy"] == "camera=(self), microphone=(self)"
    script = server.http.get("/assets/app-1a2b.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert server.http.head("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets", "/none.js",
             "/assets/%2e%2e/%2e%2e/secret.txt", "//etc/passwd", "/%2fetc%2fpasswd", "/a%00b"],
)  # fmt: skip
def test_nothing_outside_the_page_is_served(server: Running, folder: Path, path: str) -> None:
    response = server.http.get(server.url + path)
    assert response.status_code == 404
    assert "secret" not in response.text.replace("secret.txt", "")
