"""Tokens and shared links: what they allow, how they end, and what cannot be forged."""

import http.client
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from livelens.errors import ConfigError, Forbidden
from livelens.server.access.tokens import MOST_TOKEN_S, Token, new_token
from livelens.server.identity import ALL, Grant, Identity
from tests.server.running import PATTERN, Running, eventually, running, until
from tests.server.viewer import client

ADMIN = {"Authorization": "Bearer correct-horse-battery-staple"}
STREAMS = ("street1", "street2", "yard")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = {
        "access": {"trust_loopback": False, "password": "open, lens"},
        "faces": {"enabled": True},
        "streams": {each: {"source": PATTERN, "stages": []} for each in STREAMS},
    }
    limits = {"requests_per_s": 1000}
    with running(config, token=ADMIN["Authorization"][7:], limits=limits) as one:
        yield one


def made(server: Running, *grants: tuple[str, str], **wish: Any) -> dict[str, Any]:
    body = {"grants": [{"stream": s, "actions": a.split()} for s, a in grants], **wish}
    response = server.http.post("/api/tokens", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def bearer(told: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['token']}"}


def read_all(ws: ClientConnection) -> None:
    while True:
        ws.recv(10)


def test_what_grants_allow() -> None:
    street = Grant("street*", ("view",))
    assert street.allows("view", "street1")
    assert street.allows("view", None)
    assert not street.allows("view", "Street1"), "case counts"
    assert not street.allows("view", "yard-street1")
    assert not street.allows("control", "street1")
    assert not street.allows("view", ALL)
    assert Grant("*", ("control",)).allows("view", ALL)
    assert not Grant("?", ("control",)).allows("view", ALL)
    assert not Grant("*", ("publish",)).allows("view", "a")
    for bad in ("", "[ab]*", "a/b", "..", "a b", "x" * 65, "straße"):
        with pytest.raises(ValueError, match="pattern"):
            Grant(bad, ("view",))
    with pytest.raises(ValueError, match="at least one"):
        Grant("*", ())
    viewer = Identity("x", "share", grants=(street,))
    with pytest.raises(Forbidden, match="control stream 'street1', which this link lacks"):
        viewer.require("control", "street1")
    with pytest.raises(Forbidden, match="administrator"):
        viewer.require_admin()


def test_a_viewer_views_what_he_may_and_nothing_else(server: Running) -> None:
    token = bearer(made(server, ("street*", "view"), name="street screens"))
    with httpx.Client(base_url=server.url, headers=token) as viewer:
        told = viewer.get("/api/session").json()
        assert told["admin"] is False
        assert told["grants"] == [{"stream": "street*", "actions": ["view"]}]
        assert told["name"] == "street screens"
        assert viewer.get("/api/streams/street1").status_code == 200
        refused = viewer.get("/api/streams/yard")
        assert refused.status_code == 403
        assert "right to view stream 'yard'" in refused.json()["error"]
        # Whether a stream exists is nothing that he learns.
        assert viewer.get("/api/streams/none").status_code == 403
        for method, path in (
            ("PATCH", "/api/streams/street1"),
            ("DELETE", "/api/streams/street1"),
            ("POST", "/api/streams/street1/stop"),
            ("POST", "/whip/street1"),
            ("OPTIONS", "/whip/street1"),
            ("POST", "/whep/yard"),
            ("GET", "/api/streams/yard/results"),
            ("GET", "/api/tokens"),
            ("POST", "/api/tokens"),
            ("GET", "/api/sessions"),
            ("PUT", "/api/password"),
            ("GET", "/api/faces"),
            ("POST", "/api/faces/Ada"),
            ("GET", "/metrics"),
        ):
            response = viewer.request(method, path, json={"stages": []})
            assert response.status_code == 403, (method, path)
        body = {"id": "street9", "source": "pattern://"}
        assert viewer.post("/api/streams", json=body).status_code == 403
        assert viewer.head("/api/streams/yard").status_code == 403
        streams = viewer.get("/api/streams").json()["streams"]
        assert [each["id"] for each in streams] == ["street1", "street2"]
        stats = viewer.get("/api/stats").json()["streams"]
        assert [each["id"] for each in stats] == ["street1", "street2"]
        sources = viewer.get("/api/sources").json()["sources"]
        assert [each["id"] for each in sources] == ["street1", "street2"]
        # Where a camera is, is nothing that he learns.
        for told in (viewer.get("/api/streams"), viewer.get("/api/streams/street1")):
            assert "pattern://" not in told.text
        assert {each["label"] for each in sources} == {""}
        assert "yard" not in viewer.get("/api/algorithms").text
        assert "yard" not in viewer.get("/readyz").text
    assert set(server.state.engine.streams) == set(STREAMS)


def test_events_tell_only_of_what_one_may_view(server: Running) -> None:
    token = bearer(made(server, ("street*", "view")))
    listening = {**token, "Accept": "text/event-stream"}
    with httpx.Client(base_url=server.url, headers=listening, timeout=20) as viewer:
        for path in ("/api/stats", "/api/sources", "/api/algorithms"):
            with viewer.stream("GET", path) as answer:
                told = next(line for line in answer.iter_lines() if line.startswith("data:"))
            assert "yard" not in told
        with viewer.stream("GET", "/api/events") as answer:
            lines = answer.iter_lines()
            next(lines)
            for stream in ("yard", "street2"):
                server.http.post(f"/api/streams/{stream}/stop", headers=ADMIN)
                server.http.post(f"/api/streams/{stream}/start", headers=ADMIN)
            data = (line for line in lines if line.startswith("data:"))
            assert '"stream":"street2"' in next(data), "the yard came first"


@pytest.mark.parametrize(
    "path",
    ["/api/streams/%79ard", "/api//streams/yard", "/api/./streams/yard", "/api/streams/YARD",
     "/api/streams/street1/../yard", "/api/streams/street1%2f..%2fyard", "/api/streams/yard/",
     "/api/streams/yard%00", "/api/streams/yard;street1", "//api/streams/yard", "/API/streams/yard",
     "/api/streams/street1%0a", "/api/%73treams/yard", "/api/streams/*", "/api/streams/street*"],
)  # fmt: skip
def test_no_way_of_writing_a_path_goes_around_rights(server: Running, path: str) -> None:
    token = made(server, ("street1", "view"))["token"]
    target = f"{path}?token={token}".encode()
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]))
    connection.request("GET", target.decode())
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert '"id":"yard"' not in text
    assert response.status in (303, 400, 403, 404), text


def test_who_controls_some_streams_controls_no_others(server: Running) -> None:
    token = bearer(made(server, ("lab-*", "control"), ("street1", "publish")))
    with httpx.Client(base_url=server.url, headers=token) as author:
        body = {"id": "lab-1", "source": "pattern://", "stages": []}
        assert author.post("/api/streams", json=body).status_code == 201
        assert author.get("/api/streams/lab-1").status_code == 200, "control includes view"
        assert author.post("/api/streams", json={**body, "id": "lobby"}).status_code == 403
        assert author.get("/api/streams/street1").status_code == 403, "publish does not"
        assert author.options("/whip/street1").status_code == 200
        assert author.options("/whip/street2").status_code == 403
        assert author.delete("/api/streams/lab-1").status_code == 204


def test_metrics_and_faces_want_rights_on_every_stream(server: Running) -> None:
    everywhere = bearer(made(server, ("*", "view")))
    assert server.http.get("/metrics", headers=everywhere).status_code == 200
    assert server.http.get("/api/faces", headers=everywhere).status_code == 403
    control = bearer(made(server, ("*", "control")))
    assert server.http.get("/api/faces", headers=control).status_code == 200
    most = bearer(made(server, ("street*", "control")))
    assert server.http.get("/metrics", headers=most).status_code == 403


def test_a_revoked_token(server: Running) -> None:
    told = made(server, ("street1", "view"), name="once")
    listed = server.http.get("/api/tokens", headers=ADMIN).json()["tokens"]
    assert "once" in [each["name"] for each in listed]
    assert told["token"] not in str(listed)
    path = f"/api/tokens/{told['info']['id']}"
    assert server.http.delete(path, headers=bearer(told)).status_code == 403
    assert server.http.delete(path, headers=ADMIN).status_code == 204
    response = server.http.get("/api/streams", headers=bearer(told))
    assert response.status_code == 401
    assert "revoked" in response.json()["error"]
    assert server.http.delete("/api/tokens/a%20b", headers=ADMIN).status_code == 404
    # Also in a server that begins anew.
    server.state.access.records._tokens.clear()  # type: ignore[attr-defined]
    server.state.access.records._stamp = None  # type: ignore[attr-defined]
    server.inside(server.state.access.refresh())
    assert server.http.get("/api/streams", headers=bearer(told)).status_code == 401


def test_a_token_that_nobody_recorded_can_be_revoked_too(server: Running) -> None:
    token = new_token("", "token", (Grant("*", ("view",)),), 3600)
    shown = {"Authorization": f"Bearer {server.state.access.signer.token(token)}"}
    assert server.http.get("/api/streams", headers=shown).status_code == 200
    assert server.http.delete(f"/api/tokens/{token.id}", headers=ADMIN).status_code == 204
    assert server.http.get("/api/streams", headers=shown).status_code == 401


def test_an_expired_token(server: Running) -> None:
    token = Token("0" * 20, "", "share", (Grant("*", ("view",)),), 1_000_000_000, 1_000_003_600)
    text = server.state.access.signer.token(token)
    response = server.http.get("/api/streams", headers={"Authorization": f"Bearer {text}"})
    assert response.status_code == 401
    assert "expired" in response.json()["error"]
    page = server.http.get("/", params={"token": text})
    assert page.status_code == 303
    assert page.headers["location"] == "./?access=expired"
    assert "set-cookie" not in page.headers


def test_forged_tokens(server: Running) -> None:
    text = made(server, ("street1", "view"))["token"]
    said = jwt.decode(text, options={"verify_signature": False})
    more = {**said, "g": "*:c"}
    signer = server.state.access.signer
    without_end = {key: value for key, value in said.items() if key != "exp"}
    forged = [
        jwt.encode(more, "", algorithm="none"),
        jwt.encode(more, "another secret of more than 32 characters", algorithm="HS256"),
        jwt.encode(more, signer._tokens + bytes(32), algorithm="HS512"),
        jwt.encode(more, signer._sessions, algorithm="HS256"),
        text[: text.rindex(".")] + ".",
        jwt.encode(without_end, signer._tokens, algorithm="HS256"),
        jwt.encode({**said, "k": "password"}, signer._tokens, algorithm="HS256"),
        *(
            jwt.encode({**said, "g": wrong}, signer._tokens, algorithm="HS256")
            for wrong in ("*", "*:x", "", "a/b:v", "a:v;", 5)
        ),
    ]
    for each in forged:
        for shown in (
            {"headers": {"Authorization": f"Bearer {each}"}},
            {"params": {"token": each}},
        ):
            assert server.http.get("/api/streams", **shown).status_code == 401


def test_a_shared_link_becomes_a_cookie_with_its_rights(server: Running) -> None:
    told = made(server, ("street1", "view"), kind="share", expires_s=600)
    with httpx.Client(base_url=server.url) as browser:
        response = browser.get(f"/watch/{told['link']}&x=1", headers={"Accept": "text/html"})
        assert response.status_code == 303
        assert response.headers["location"] == "./?x=1"
        assert response.headers["referrer-policy"] == "no-referrer"
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        told_now = browser.get("/api/session").json()
        assert told_now["kind"] == "share"
        assert told_now["expires_unix_s"] == told["info"]["expires_unix_s"]
        assert browser.get("/api/streams/street1").status_code == 200
        assert browser.get("/api/streams/yard").status_code == 403
        assert browser.post("/api/streams/street1/stop").status_code == 403
        assert (
            server.http.delete(f"/api/tokens/{told['info']['id']}", headers=ADMIN).status_code
            == 204
        )
        assert browser.get("/api/session").json()["fault"] == "revoked"


def test_an_administrator_who_follows_a_link_stays_one(server: Running) -> None:
    told = made(server, ("street1", "view"), kind="share")
    with httpx.Client(base_url=server.url) as browser:
        browser.post("/api/session", json={"password": "open, lens"})
        assert browser.get(f"/{told['link']}").status_code == 303
        assert browser.get("/api/session").json()["admin"] is True
        assert browser.delete("/api/session").status_code == 204
        assert browser.get("/api/session").json()["signed_in"] is False


def test_the_permanent_token_is_no_cookie(server: Running) -> None:
    text = ADMIN["Authorization"][7:]
    with httpx.Client(base_url=server.url) as browser:
        response = browser.get("/", params={"token": text})
        assert response.status_code == 303
        assert text not in response.headers["set-cookie"]
        assert browser.get("/api/session").json()["kind"] == "password"


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/a", "/\\evil.example/",
                                  "/%2fevil.example/", "///evil.example", "/%5cevil.example",
                                  "/http:evil.example", "/javascript:alert(1)"])  # fmt: skip
def test_a_link_leads_to_no_other_server(server: Running, path: str) -> None:
    told = made(server, ("street1", "view"))
    port = int(server.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"{path}{told['link']}")
    response = connection.getresponse()
    response.read()
    assert response.status in (303, 400)
    if response.status == 303:
        # Relative to the address that was asked for, whatever that looks like.
        assert response.headers["Location"].startswith("./")
        assert "token" not in response.headers["Location"]
    connection.close()


async def test_what_a_token_began_ends_with_it(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = made(server, ("street*", "view publish"))
    url = server.url.replace("http", "ws") + "/api/streams/street1/results/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url.replace("street1", "yard") + f"?token={told['token']}")
    assert refused.value.response.status_code == 403
    with connect(f"{url}?token={told['token']}") as ws:
        assert ws.recv(10)
        async with client(server.url, monkeypatch) as viewer:
            assert (await viewer.watch(f"/whep/street1?token={told['token']}")).status_code == 201
            await viewer.picture()
            held = len(server.state.leases)
            assert held == 2
            path = f"/api/tokens/{told['info']['id']}"
            assert server.http.delete(path, headers=ADMIN).status_code == 204
            await viewer.closed()
        with pytest.raises(ConnectionClosed):
            read_all(ws)
    await eventually(lambda: server.state.sessions.viewers == 0)
    until(lambda: len(server.state.leases) == 0)


def test_what_began_before_ends_when_its_time_is_over(server: Running) -> None:
    access, leases = server.state.access, server.state.leases
    ended: list[str] = []

    async def look() -> list[str]:
        for name, expires_ns in (("past", 1), ("later", 2**62), ("never", None)):
            leases.hold(
                Identity(name, "share", expires_ns=expires_ns, credential="0" * 16),
                lambda name=name: ended.append(name),  # type: ignore[misc]
            )
        await leases.look()
        await access.records.revoke("0" * 16)
        before = list(ended)
        await leases.look()
        return before

    assert server.inside(look()) == ["past"]
    assert sorted(ended) == ["later", "never", "past"]


def test_what_a_token_may_be(server: Running) -> None:
    def status(**wish: Any) -> int:
        body = {"grants": [{"stream": "a", "actions": ["view"]}], **wish}
        return server.http.post("/api/tokens", json=body, headers=ADMIN).status_code

    assert status() == 201
    wishes: list[dict[str, Any]] = [
        {"expires_s": 1}, {"expires_s": MOST_TOKEN_S + 1}, {"expires_s": "x"}, {"kind": "password"},
        {"name": "x" * 65}, {"name": "a\x00b"}, {"grants": []}, {"admin": True},
        {"grants": [{"stream": "a", "actions": ["admin"]}]},
        {"grants": [{"stream": "a/b", "actions": ["view"]}]},
        {"grants": [{"stream": "a", "actions": ["view"]}] * 51},
    ]  # fmt: skip
    for wrong in wishes:
        assert status(**wrong) == 400, wrong
    with pytest.raises(ConfigError, match="366 days"):
        new_token("", "token", (Grant("*", ("view",)),), float("inf"))


def test_no_log_line_tells_a_token(server: Running, capfd: pytest.CaptureFixture[str]) -> None:
    told = made(server, ("street1", "view"))
    url = server.url.replace("http", "ws") + "/api/streams/street1/results/ws"
    with connect(f"{url}?token={told['token']}") as ws:
        ws.recv(10)
    server.http.get("/api/streams", params={"token": told["token"]})
    server.http.get("/", params={"token": told["token"]})
    server.http.get("/api/nothing", params={"token": told["token"] + "x"})
    printed = capfd.readouterr()
    assert told["token"][-40:] not in printed.out + printed.err


def test_the_description_tells_what_routes_want(server: Running) -> None:
    paths = server.http.get("/openapi.json", headers=ADMIN).json()["paths"]
    assert paths["/healthz"]["get"]["security"] == []
    assert paths["/api/streams/{stream}"]["delete"]["x-right"] == "control the stream"
    assert {"bearer": []} in paths["/api/streams"]["get"]["security"]
    assert paths["/metrics"]["get"]["x-right"] == "view every stream"
