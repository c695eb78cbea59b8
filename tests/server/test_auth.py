"""Who may use the server."""

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from livelens.errors import ConfigError
from livelens.server import auth
from livelens.server.auth import is_loopback, origin_allowed, wanted_token
from livelens.server.config import Listening
from livelens.server.routes import ENDPOINTS
from tests.server.running import PATTERN, Running, running

TOKEN = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    with running(config, token=TOKEN) as one:
        yield one


@pytest.fixture(scope="module")
def local() -> Iterator[Running]:
    with running({}, hosts=["lens.internal"], origins=["https://wall.example"]) as one:
        yield one


@pytest.mark.parametrize(
    ("method", "path"),
    [(each.method, each.path.format(stream="pat", session="x", name="ada", **{"path:path": "a.js"}))
     if "{path" not in each.path else (each.method, "/assets/a.js") for each in ENDPOINTS],
)  # fmt: skip
def test_every_route_but_health_wants_the_token(guarded: Running, method: str, path: str) -> None:
    response = guarded.http.request(method, path)
    if path in ("/healthz", "/readyz"):
        assert response.status_code == 200
        return
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    for wrong in ("wrong", TOKEN[:-1], TOKEN + "x", "ü"):
        refused = httpx.request(method, guarded.url + path, params={"token": wrong})
        assert refused.status_code == 401
        header = {b"Authorization": f"Bearer {wrong}".encode()}
        assert httpx.request(method, guarded.url + path, headers=header).status_code == 401


def test_the_token_opens_by_header_query_and_cookie(guarded: Running) -> None:
    url = guarded.url + "/api/streams"
    assert httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert httpx.get(url, headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    assert httpx.get(url, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    with httpx.Client(base_url=guarded.url) as browser:
        page = browser.get("/", params={"token": TOKEN})
        assert page.status_code == 200
        cookie = page.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert browser.get("/api/streams").status_code == 200
    assert httpx.get(url, headers={"Cookie": f"{auth.COOKIE}=wrong"}).status_code == 401
    assert "set-cookie" not in httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).headers


def test_a_person_without_token_is_asked_for_it(guarded: Running) -> None:
    response = httpx.get(guarded.url, headers={"Accept": "text/html,*/*"})
    assert response.status_code == 401
    assert 'name="token"' in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_websockets_want_the_token_too(guarded: Running) -> None:
    url = guarded.url.replace("http", "ws") + "/api/streams/pat/results/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    with connect(f"{url}?token={TOKEN}") as ws:
        assert ws.recv(10)


def test_commands_of_a_foreign_page_are_refused_although_its_cookie_is_right(
    guarded: Running,
) -> None:
    headers = {"Cookie": f"{auth.COOKIE}={TOKEN}", "Origin": "https://evil.example"}
    response = httpx.delete(guarded.url + "/api/streams/pat", headers=headers)
    assert response.status_code == 403
    assert "pat" in guarded.state.engine.streams


def test_the_host_header_on_loopback(local: Running) -> None:
    port = local.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", "localhost", f"[::1]:{port}", "Lens.Internal"):
        response = httpx.get(local.url + "/api/streams", headers={"Host": host})
        assert response.status_code == 200, host
    for host in ("evil.example", f"127.0.0.1.evil.example:{port}", "[", "a@127.0.0.1.x"):
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


def test_loopback_addresses() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "camera.local", ""))


def test_a_token_is_made_once_and_kept_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config" / "token"
    monkeypatch.setattr(auth, "token_file", lambda: file)
    assert wanted_token(Listening()) == (None, False)
    assert not file.exists()
    everywhere = Listening(host="0.0.0.0")
    token, made = wanted_token(everywhere)
    assert made
    assert token is not None
    assert len(token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert wanted_token(everywhere) == (token, False)
    assert wanted_token(Listening(host="0.0.0.0", token=TOKEN)) == (TOKEN, False)
    assert wanted_token(Listening(token=TOKEN)) == (TOKEN, False)
    file.write_text("cut")
    again, made = wanted_token(everywhere)
    assert made
    assert again != token


def test_a_token_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("a file, not a folder")
    monkeypatch.setattr(auth, "token_file", lambda: tmp_path / "config" / "token")
    with pytest.raises(ConfigError, match="token"):
        wanted_token(Listening(host="0.0.0.0"))
