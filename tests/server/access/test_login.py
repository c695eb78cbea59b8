"""Signing in and out: passwords, sessions, the cookie, links of the terminal."""

import asyncio
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError, Conflict
from livelens.server.access import desk, kept
from livelens.server.access import password as passwords
from livelens.server.access.attempts import Attempts
from livelens.server.access.password import Password
from tests.server.running import PATTERN, Running, running, until

PASSWORD = "open, lens"
ACCESS = {"trust_loopback": False, "password": PASSWORD}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    config = {"access": ACCESS, "streams": {"pat": {"source": PATTERN, "stages": []}}}
    with running(config, limits={"requests_per_s": 1000}) as one:
        yield one


@pytest.fixture
def browser(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as one:
        yield one


def sign_in(browser: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return browser.post("/api/session", json={"password": password})


def session_cookie(response: httpx.Response) -> str:
    (cookie,) = [c for c in response.headers.get_list("set-cookie") if "livelens_session" in c]
    return cookie


def test_who_has_not_signed_in_is_told_so(browser: httpx.Client) -> None:
    told = browser.get("/api/session")
    assert told.status_code == 200
    assert told.json()["signed_in"] is False
    assert told.json()["fault"] == ""
    assert browser.get("/api/streams").status_code == 401


def test_signing_in_and_out(server: Running, browser: httpx.Client) -> None:
    response = sign_in(browser)
    assert response.status_code == 200
    assert response.json()["admin"] is True
    assert response.headers["cache-control"] == "no-store"
    cookie = session_cookie(response)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # plain HTTP: browsers would not keep it
    told = browser.get("/api/session").json()
    assert told["signed_in"]
    assert told["kind"] == "password"
    assert browser.get("/api/streams").status_code == 200
    stolen = dict(browser.cookies)
    assert browser.delete("/api/session").status_code == 204
    assert not dict(browser.cookies)
    late = httpx.get(f"{server.url}/api/streams", cookies=stolen)
    assert late.status_code == 401, "the session ends on the server"
    assert httpx.get(f"{server.url}/api/session", cookies=stolen).json()["fault"] == "ended"


def test_each_sign_in_is_a_new_session_and_ends_the_one_before(
    server: Running, browser: httpx.Client
) -> None:
    browser.cookies.set("livelens_session_", "chosen by somebody else")
    sign_in(browser)
    first = dict(browser.cookies)
    sign_in(browser)
    assert dict(browser.cookies) != first
    assert httpx.get(f"{server.url}/api/streams", cookies=first).status_code == 401


def test_wrong_passwords(browser: httpx.Client) -> None:
    response = sign_in(browser, "open sesame")
    assert response.status_code == 401
    assert "set-cookie" not in response.headers
    bodies: list[object] = [{}, {"password": 5}, {"password": PASSWORD, "name": "x"}, []]
    for body in bodies:
        assert browser.post("/api/session", json=body).status_code == 400
    assert browser.post("/api/session", data={"password": PASSWORD}).status_code == 415
    assert sign_in(browser, "x" * 2000).status_code == 400


def test_an_address_that_tries_often_is_locked_out_and_others_are_not() -> None:
    access = {**ACCESS, "max_failures": 3, "lockout_s": 50}
    with running({"access": access}, proxies=["127.0.0.1"]) as one:

        def attempt(address: str, password: str) -> httpx.Response:
            headers = {"X-Forwarded-For": address}
            body = {"password": password}
            return one.http.post("/api/session", json=body, headers=headers)

        statuses = [attempt("203.0.113.1", "wrong, wrong").status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        refused = attempt("203.0.113.1", PASSWORD)
        assert refused.status_code == 429, "not even with the right one"
        assert 40 <= int(refused.headers["retry-after"]) <= 50
        assert "too many attempts" in refused.json()["error"]
        assert attempt("203.0.113.2", PASSWORD).status_code == 200
        # What the client invents does not help him.
        forged = one.http.post(
            "/api/session",
            json={"password": PASSWORD},
            headers={"X-Forwarded-For": "198.51.100.9, 203.0.113.1"},
        )
        assert forged.status_code == 429


def test_attempts_are_counted_for_each_address_and_for_all() -> None:
    now = 0
    attempts = Attempts(2, 10, clock=lambda: now)
    assert [attempts.begin("a") for _ in range(2)] == [0, 0]
    assert attempts.begin("a") == 10
    now += 10 * NS_PER_S
    assert attempts.begin("a") == 0
    assert attempts.begin("a") == 20, "twice as long"
    attempts.succeeded("a")
    assert attempts.begin("a") == 0
    # Who has one address of IPv6 has all of its /64.
    assert [attempts.begin(f"2001:db8::{i}") for i in range(3)] == [0, 0, 10]
    assert attempts.begin("2001:db8:0:1::1") == 0
    many = [attempts.begin(str(ipaddress.ip_address(0x0A000000 + i))) for i in range(100)]
    assert 40 < many.count(0) < 62
    now += 4000 * NS_PER_S
    assert attempts.begin("a") == 0


async def test_only_a_few_passwords_are_hashed_at_once(tmp_path: Path) -> None:
    from livelens.errors import CapacityError
    from livelens.server.access.local_records import LocalRecords
    from livelens.server.access.settings import AccessSettings
    from livelens.server.config import Listening

    at_once = most = 0

    class Slow(Password):
        def matches(self, text: str) -> bool:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            right = super().matches(text)
            at_once -= 1
            return right

    access = desk.Access(
        AccessSettings(max_failures=1000),
        Listening(),
        secret="s" * 32,
        password=Slow("open, lens"),
        records=LocalRecords(tmp_path / "tokens.json"),
    )
    tries = [access.log_in("wrong one", f"10.0.0.{i}", "") for i in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, CapacityError) for each in outcomes) == 16
    assert most == 1


def test_forged_cookies(server: Running, browser: httpx.Client) -> None:
    sign_in(browser)
    ((name, cookie),) = dict(browser.cookies).items()
    head, body, signature = cookie.split(".")
    said = jwt.decode(cookie, options={"verify_signature": False})
    forged = [
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode(said, "", algorithm="none"),
        jwt.encode(said, "another secret of more than 32 characters", algorithm="HS256"),
        jwt.encode({**said, "exp": said["exp"] + 9}, "", algorithm="none"),
        jwt.encode(said, "k" * 64, algorithm="HS512"),
        # Signed by us, for something else.
        server.state.access.signer._tokens.hex(),
        jwt.encode(said, server.state.access.signer._tokens, algorithm="HS256"),
        "x" * 9000,
        "",
        "ü",
    ]
    for each in forged:
        header = {b"Cookie": f"{name}={each}".encode()}
        response = httpx.get(f"{server.url}/api/streams", headers=header)
        assert response.status_code == 401, each
    assert browser.get("/api/streams").status_code == 200


def test_an_expired_cookie_is_told(server: Running, browser: httpx.Client) -> None:
    sign_in(browser)
    ((name, cookie),) = dict(browser.cookies).items()
    session = jwt.decode(cookie, options={"verify_signature": False})["jti"]
    old = server.state.access.signer.session(session, 1_000_000_000)
    header = {"Cookie": f"{name}={old}"}
    assert httpx.get(f"{server.url}/api/session", headers=header).json()["fault"] == "expired"
    assert httpx.get(f"{server.url}/api/streams", headers=header).status_code == 401


def test_pages_of_other_sites_cannot_use_the_cookie(browser: httpx.Client) -> None:
    sign_in(browser)
    own = str(browser.base_url).rstrip("/")
    for origin in ("https://evil.example", "http://localhost:5173", "http://127.0.0.1:1", "null"):
        for method, path in (("DELETE", "/api/session"), ("POST", "/api/streams/pat/stop")):
            response = browser.request(method, path, headers={"Origin": origin})
            assert response.status_code == 403, (origin, path)
    assert browser.get("/api/streams/pat").json()["state"] == "running"
    response = browser.post("/api/streams/pat/restart", headers={"Origin": own})
    assert response.status_code == 200


def test_the_link_of_the_terminal_works_once(server: Running, browser: httpx.Client) -> None:
    code = server.state.access.code()
    assert browser.head("/", params={"login": code}).status_code in (200, 404)
    early = browser.get("/", params={"login": code}, headers={"Sec-Purpose": "prefetch"})
    assert early.status_code == 503
    assert "set-cookie" not in early.headers
    response = browser.get("/", params={"login": code, "lang": "ko"})
    assert response.status_code == 303
    assert response.headers["location"] == "./?lang=ko"
    assert browser.get("/api/session").json()["admin"] is True
    with httpx.Client(base_url=server.url) as other:
        response = other.get("/", params={"login": code})
        assert response.status_code == 303
        assert response.headers["location"] == "./?access=used"
        assert "set-cookie" not in response.headers
        assert other.get("/", params={"login": "ü"}).headers["location"] == "./?access=used"


def test_a_code_that_is_too_old(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    access = server.state.access
    code = access.code()
    later = now_ns() + (desk.CODE_S + 1) * NS_PER_S
    monkeypatch.setattr(desk, "now_ns", lambda: later)
    assert not access.redeem(code)


def test_sessions_are_listed_and_ended(server: Running, browser: httpx.Client) -> None:
    sign_in(browser)
    with httpx.Client(base_url=server.url, headers={"User-Agent": "phone\x01of Ada"}) as phone:
        sign_in(phone)
        listed = browser.get("/api/sessions").json()["sessions"]
        assert [each["own"] for each in listed].count(True) == 1
        (other,) = [each for each in listed if each["agent"].startswith("phone")]
        assert other["address"] == "127.0.0.1"
        cookies = " ".join(dict(phone.cookies).values())
        assert not any(each["id"] in cookies for each in listed)
        assert browser.delete(f"/api/sessions/{other['id']}").status_code == 204
        assert phone.get("/api/streams").status_code == 401
        assert browser.delete(f"/api/sessions/{other['id']}").status_code == 404
    assert browser.get("/api/streams").status_code == 200


def test_a_reader_of_events_is_sent_away_when_his_session_ends(
    server: Running, browser: httpx.Client
) -> None:
    sign_in(browser)
    with browser.stream("GET", "/api/streams/pat/results", timeout=20) as reader:
        lines = reader.iter_lines()
        next(lines)
        with httpx.Client(base_url=server.url, cookies=browser.cookies) as same:
            assert same.delete("/api/session").status_code == 204
        for _ in lines:  # ends by itself
            pass
    until(lambda: len(server.state.leases) == 0)


def test_a_configured_password_is_not_changed_here(browser: httpx.Client) -> None:
    sign_in(browser)
    assert browser.get("/api/session").json()["password_fixed"] is True
    body = {"password": PASSWORD, "new": "another one"}
    response = browser.put("/api/password", json=body)
    assert response.status_code == 409
    assert "LIVELENS_PASSWORD" in response.json()["error"]


def test_the_password_is_changed_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = Password().ensure()
    assert first is not None
    with (
        running({"access": {"trust_loopback": False}}) as one,
        httpx.Client(base_url=one.url) as browser,
        httpx.Client(base_url=one.url) as other,
    ):
        assert sign_in(browser, first).status_code == 200
        assert sign_in(other, first).status_code == 200

        def change(old: str, new: str) -> int:
            body = {"password": old, "new": new}
            return browser.put("/api/password", json=body).status_code

        assert change("wrong one", "open, lens") == 422
        assert change(first, "short") == 400
        assert change(first, "open, lens") == 204
        assert browser.get("/api/streams").status_code == 200, "his own session stays"
        assert other.get("/api/streams").status_code == 401
        assert sign_in(other, first).status_code == 401
        assert sign_in(other, "open, lens").status_code == 200
        # As `livelens access password` does, beside the server.
        Password().change("third, lens")
        one.inside(one.state.access.refresh())
        assert browser.get("/api/session").json()["fault"] == "ended"


def test_the_secret_decides_and_memory_forgets(tmp_path: Path) -> None:
    access: dict[str, Any] = {**ACCESS, "secret": "s" * 40}
    with running({"access": access}) as one, httpx.Client(base_url=one.url) as browser:
        sign_in(browser)
        ((name, cookie),) = dict(browser.cookies).items()
    with running({"access": access}) as again:
        header = {"Cookie": f"{name}={cookie}"}
        told = httpx.get(f"{again.url}/api/session", headers=header).json()
        assert (told["signed_in"], told["fault"]) == (False, "ended")


def test_loopback_is_trusted_only_where_it_is_loopback() -> None:
    with running({}) as one:
        assert one.http.get("/api/session").json()["kind"] == "local"
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            told = one.http.get("/api/session", headers={header: "127.0.0.1"}).json()
            assert told["signed_in"] is False, header
        wrong = one.http.get("/api/streams", headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401
    with running({}, host="0.0.0.0", tls="off") as one:
        url = f"http://127.0.0.1:{one.url.rpartition(':')[2]}"
        assert httpx.get(f"{url}/api/session").json()["signed_in"] is True
        rebound = httpx.get(f"{url}/api/session", headers={"Host": "evil.example"})
        assert rebound.json()["signed_in"] is False


def test_a_proxy_that_speaks_https_makes_cookies_secure() -> None:
    with running({"access": ACCESS}, proxies=["127.0.0.1"]) as one:
        body = {"password": PASSWORD}
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.1"}
        cookie = session_cookie(one.http.post("/api/session", json=body, headers=headers))
        assert cookie.startswith("__Host-livelens_session_")
        assert "Secure" in cookie
    with running({"access": ACCESS}) as one:
        cookie = session_cookie(one.http.post("/api/session", json=body, headers=headers))
        assert "Secure" not in cookie, "anybody may say so"


def test_a_kept_password(tmp_path: Path) -> None:
    file = tmp_path / "livelens" / "password"
    made = Password(file=file).ensure()
    assert made is not None
    assert Password(file=file).ensure() is None
    assert Password(file=file).matches(made)
    assert not Password(file=file).matches(made + "x")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    Password(file=file).change("o\u0308ffne dich")
    assert Password(file=file).matches("\u00f6ffne dich"), "whichever way it is typed"
    file.write_text("{")
    with pytest.raises(ConfigError, match="livelens access password"):
        Password(file=file).ensure()
    with pytest.raises(Conflict):
        Password("configured", file).change("open, lens")


def test_a_secret_is_made_once_and_kept_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "livelens")
    secret = kept.secret()
    assert len(secret) >= 32
    assert kept.secret() == secret
    assert (tmp_path / "livelens" / "secret").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").write_text("a file, not a folder")
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "other")
    with pytest.raises(ConfigError, match="other"):
        kept.secret()


def test_a_made_password_is_typed_without_doubt() -> None:
    made = {passwords.made() for _ in range(50)}
    assert len(made) == 50
    assert not any(set(each) & set("0o1il") for each in made)
