"""Who may use the server: the names it answers to, foreign pages, and every route's right."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from livelens.server.access.evidence import is_loopback
from livelens.server.auth import origin_allowed
from livelens.server.routes import ENDPOINTS, SOCKETS
from tests.server.running import PATTERN, Running, running

TOKEN = "correct-horse-battery-staple"
PASSWORD = "open, lens"
PATHS = {"stream": "pat", "session": "x", "name": "ada", "token": "abcdefgh", "path:path": "a.js"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    config = {
        "access": {"trust_loopback": False, "password": PASSWORD},
        "streams": {"pat": {"source": PATTERN, "stages": []}},
    }
    with running(config, token=TOKEN) as one:
        yield one


@pytest.fixture(scope="module")
def local() -> Iterator[Running]:
    with running({}, hosts=["lens.internal"], origins=["https://wall.example"]) as one:
        yield one


def path_of(template: str) -> str:
    for name, value in PATHS.items():
        template = template.replace(f"{{{name}}}", value)
    # Whatever further parts of paths are called.
    return "/".join("x" if part.startswith("{") else part for part in template.split("/"))


@pytest.mark.parametrize(
    ("method", "path"), [(each.method, path_of(each.path)) for each in ENDPOINTS if each.action]
)
def test_every_route_wants_to_know_who_asks(guarded: Running, method: str, path: str) -> None:
    response = httpx.request(method, guarded.url + path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    for wrong in ("wrong", TOKEN[:-1], TOKEN + "x", "ü"):
        refused = httpx.request(method, guarded.url + path, params={"token": wrong})
        assert refused.status_code == 401
        header = {b"Authorization": f"Bearer {wrong}".encode()}
        assert httpx.request(method, guarded.url + path, headers=header).status_code == 401


def test_nothing_is_open_but_health_the_page_and_signing_in() -> None:
    opened = {(each.method, each.path) for each in ENDPOINTS if each.action is None}
    assert opened == {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/"),
        ("GET", "/{path:path}"),
        ("GET", "/api/session"),
        ("POST", "/api/session"),
        ("DELETE", "/api/session"),
    }
    assert all(each.action for each in SOCKETS)


def test_a_permanent_token_opens_by_header_and_query(guarded: Running) -> None:
    url = guarded.url + "/api/streams"
    assert httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert httpx.get(url, headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    assert httpx.get(url, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert httpx.get(url, params={"token": TOKEN}).status_code == 200
    assert "set-cookie" not in httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).headers


def test_websockets_want_to_know_who_asks_too(guarded: Running) -> None:
    url = guarded.url.replace("http", "ws") + "/api/streams/pat/results/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    with connect(f"{url}?token={TOKEN}") as ws:
        assert ws.recv(10)


def test_health_tells_strangers_no_names_of_streams() -> None:
    missing = {"bad": {"source": "file:///none.mp4", "stages": []}}
    access = {"trust_loopback": False, "password": PASSWORD}
    with running({"access": access, "streams": missing}, token=TOKEN) as one:
        assert one.http.get("/healthz").status_code == 200
        assert one.http.get("/readyz").json()["not_started"] == []


def test_the_host_header_on_loopback(local: Running) -> None:
    port = local.url.rpartition(":")[2]
    own = (f"127.0.0.1:{port}", "127.0.0.2", "localhost", f"[::1]:{port}", "Lens.Internal")
    for host in own:
        response = httpx.get(local.url + "/api/streams", headers={"Host": host})
        assert response.status_code == 200, host
    for host in (
        "evil.example",
        f"127.0.0.1.evil.example:{port}",
        "10.0.0.1",
        "[",
        "a@127.0.0.1.x",
    ):
        response = httpx.get(local.url + "/api/streams", headers={"Host": host})
        assert response.status_code == 403, host
        assert httpx.get(local.url + "/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:5173", True),
        ("http://[::1]:5173", True),
        ("https://wall.example", True),
        ("https://wall.example.evil.org", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("file://", False),
    ],
)
def test_origins(local: Running, origin: str, allowed: bool) -> None:
    listening = local.state.config.server
    assert origin_allowed(origin, "127.0.0.1:8080", listening) is allowed
    headers = {"Origin": origin}
    body = {"id": "-"}  # refused later, where it is not refused for its origin
    response = local.http.post("/api/streams", json=body, headers=headers)
    assert (response.status_code != 403) is allowed
    shared = local.http.get("/api/streams", headers=headers).headers
    assert (shared.get("access-control-allow-origin") == origin) is allowed


def test_pages_of_other_ports_are_strangers_to_a_cookie(local: Running) -> None:
    listening = local.state.config.server
    host = "127.0.0.1:8080"
    assert origin_allowed("http://127.0.0.1:8080", host, listening, strict=True)
    assert origin_allowed("https://wall.example", host, listening, strict=True)
    assert not origin_allowed("http://127.0.0.1:5173", host, listening, strict=True)
    assert not origin_allowed("http://localhost:8080", host, listening, strict=True)


def test_loopback_addresses() -> None:
    names = ("127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1")
    assert all(is_loopback(host) for host in names)
    others = ("0.0.0.0", "::", "10.0.0.1", "camera.local", "", "::ffff:10.0.0.1")
    assert not any(is_loopback(host) for host in others)
