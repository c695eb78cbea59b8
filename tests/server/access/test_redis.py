"""Several servers that share sessions and tokens, in a real Redis."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from livelens.errors import ConfigError
from livelens.server.access.desk import prepare
from livelens.server.access.redis_records import check_reachable, where_is
from livelens.server.config import read_config
from tests.server.running import Running, running, until

PASSWORD = "open, lens"
TOKEN = "correct-horse-battery-staple"
SECRET = "the same in both of them, and long enough"

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="no redis-server (Debian package redis-server)"
)


class Redis:
    """A redis-server on a free port of 127.0.0.1, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"redis://:lock@127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass",
             "lock", "--dir", str(self.folder), "--appendonly", "yes", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until(self.answers)

    def answers(self) -> bool:
        try:
            check_reachable(self.url)
        except ConfigError:
            return False
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    one = Redis(tmp_path_factory.mktemp("redis"))
    yield one
    one.stop()


@pytest.fixture
def pair(redis: Redis) -> Iterator[tuple[Running, Running]]:
    access = {
        "trust_loopback": False,
        "password": PASSWORD,
        "secret": SECRET,
        "redis_url": redis.url,
    }
    config = {"access": access, "streams": {}}
    with running(config, token=TOKEN) as one, running(config, token=TOKEN) as other:
        yield one, other


def signed_in(server: Running) -> dict[str, str]:
    response = httpx.post(f"{server.url}/api/session", json={"password": PASSWORD})
    assert response.status_code == 200
    return dict(response.cookies)


def status(server: Running, cookies: dict[str, str]) -> int:
    return httpx.get(f"{server.url}/api/streams", cookies=cookies).status_code


def test_who_signs_in_at_one_is_signed_in_at_all(pair: tuple[Running, Running]) -> None:
    one, other = pair
    cookies = signed_in(one)
    assert status(other, cookies) == 200
    listed = httpx.get(f"{other.url}/api/sessions", cookies=cookies).json()["sessions"]
    assert any(each["own"] for each in listed)
    assert httpx.delete(f"{other.url}/api/session", cookies=cookies).status_code == 204
    assert status(one, cookies) == 401
    assert status(other, cookies) == 401


def test_a_token_revoked_at_one_is_revoked_at_all(pair: tuple[Running, Running]) -> None:
    one, other = pair
    admin = {"Authorization": f"Bearer {TOKEN}"}
    body = {"name": "shared", "grants": [{"stream": "*", "actions": ["view"]}]}
    told = one.http.post("/api/tokens", json=body, headers=admin).json()
    shown = {"Authorization": f"Bearer {told['token']}"}
    assert other.http.get("/api/streams", headers=shown).status_code == 200
    listed = other.http.get("/api/tokens", headers=admin).json()["tokens"]
    assert "shared" in [each["name"] for each in listed]
    path = f"/api/tokens/{told['info']['id']}"
    assert other.http.delete(path, headers=admin).status_code == 204
    assert one.http.get("/api/streams", headers=shown).status_code == 401
    (found,) = [
        each
        for each in one.http.get("/api/tokens", headers=admin).json()["tokens"]
        if each["name"] == "shared"
    ]
    assert found["revoked"] is True


def test_a_session_outlives_its_server(redis: Redis) -> None:
    access = {"trust_loopback": False, "password": PASSWORD, "redis_url": redis.url}
    with running({"access": {**access, "secret": SECRET}}) as one:
        cookies = signed_in(one)
    with running({"access": {**access, "secret": SECRET}}) as again:
        assert status(again, cookies) == 200
    # With another secret it is nothing, not even a cookie that the server looks at.
    with running({"access": {**access, "secret": SECRET[::-1]}}) as stranger:
        assert status(stranger, cookies) == 401


def test_while_redis_is_away_nobody_gets_in_by_accident(
    pair: tuple[Running, Running], redis: Redis
) -> None:
    one, _ = pair
    cookies = signed_in(one)
    redis.stop()
    try:
        with capture_logs() as logs:
            refused = httpx.get(f"{one.url}/api/streams", cookies=cookies)
            assert status(one, cookies) == 503
        assert refused.status_code == 503
        assert [each["event"] for each in logs] == ["redis is away"]
        assert "lock" not in str(logs)
        assert refused.json()["error"].startswith(f"Redis at 127.0.0.1:{redis.port} does not")
        assert "lock" not in refused.text
        assert refused.headers["retry-after"]
        assert httpx.get(f"{one.url}/api/session", cookies=cookies).status_code == 503
        assert httpx.delete(f"{one.url}/api/session", cookies=cookies).status_code == 503
        login = httpx.post(f"{one.url}/api/session", json={"password": PASSWORD})
        assert login.status_code == 503
        assert "set-cookie" not in login.headers
        assert httpx.get(f"{one.url}/api/streams").status_code == 401
        # What needs no Redis goes on.
        admin = {"Authorization": f"Bearer {TOKEN}"}
        assert one.http.get("/api/streams", headers=admin).status_code == 200
        assert one.http.get("/healthz").status_code == 200
        assert one.http.get("/readyz", headers={"Cookie": "x=y"}).status_code == 200
        assert httpx.get(f"{one.url}/", cookies=cookies).status_code == 200
    finally:
        redis.start()
    with capture_logs() as logs:
        until(lambda: status(one, cookies) == 200)
    assert "redis is back" in [each["event"] for each in logs]


def test_a_server_does_not_start_without_its_redis(redis: Redis) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = read_config({"access": {"redis_url": f"redis://:hidden@127.0.0.1:{port}/0"}})
    with pytest.raises(ConfigError) as caught:
        prepare(config)
    assert f"Redis at 127.0.0.1:{port} does not answer" in str(caught.value)
    assert "$.access.redis_url" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
    wrong = read_config({"access": {"redis_url": redis.url.replace("lock", "hidden")}})
    with pytest.raises(ConfigError, match="does not answer"):
        prepare(wrong)
    with pytest.raises(ConfigError, match="redis_url"):
        prepare(read_config({"access": {"redis_url": "http://127.0.0.1:80"}}))


def test_where_it_is_never_holds_the_password() -> None:
    assert where_is("redis://user:hidden@cache.internal:6380/1") == "cache.internal:6380"
    assert where_is("rediss://cache.internal") == "cache.internal:6379"
    assert where_is("unix:///run/redis.sock") == "/run/redis.sock"
