"""Starting and stopping."""

import re
import socket
from pathlib import Path

import pytest

from livelens.errors import ConfigError
from livelens.server import ServerConfig, read_config
from livelens.server.access.desk import prepare
from livelens.server.app import create_app
from livelens.server.greeting import Greeting
from livelens.server.run import Server
from tests.server.running import PATTERN, running
from tests.server.viewer import client


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = read_config({"server": {"port": port}})
        with pytest.raises(ConfigError, match=rf"cannot listen on port {port} of 127\.0\.0\.1"):
            Server(create_app(config), config.server)


def test_an_address_of_another_machine() -> None:
    config = read_config({"server": {"host": "192.0.2.1", "port": 0, "token": "0123456789abcdef"}})
    with pytest.raises(ConfigError, match=r"of 192\.0\.2\.1"):
        Server(create_app(config), config.server)


def test_the_password_is_printed_when_it_was_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = read_config({"server": {"host": "0.0.0.0", "tls": "off"}})
    access, made = prepare(config)
    assert made is not None
    Greeting(config.server, access, made).tell("http://lens:8080/")
    printed = capsys.readouterr()
    assert f"Password: {made}" in printed.out
    assert "login=" not in printed.out  # nobody sits at a terminal
    assert "not encrypted" in printed.err
    access, again = prepare(config)
    assert again is None
    Greeting(config.server, access, again, links=True).tell("http://lens:8080/")
    printed = capsys.readouterr()
    assert made not in printed.out
    assert str(tmp_path / "livelens" / "password") in printed.out
    found = re.search(r"http://lens:8080/\?login=(\S+)", printed.out)
    assert found
    assert access.redeem(found[1])
    Greeting(ServerConfig().server).tell("http://127.0.0.1:8080/")
    assert capsys.readouterr().out == "Livelens is on http://127.0.0.1:8080/\n"


async def test_it_stops_while_people_watch_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"streams": {"pat": {"source": PATTERN, "stages": []}}}
    with running(config) as one:
        async with client(one.url, monkeypatch) as viewer, client(one.url, monkeypatch) as camera:
            assert (await viewer.watch("/whep/pat", results=True)).status_code == 201
            assert (await camera.publish("/whip/desk")).status_code == 201
            await viewer.picture()
            with one.http.stream("GET", "/api/streams/pat/results") as response:
                lines = response.iter_lines()
                next(lines)
                one.server.should_exit = True
                for _ in lines:  # ends by itself
                    pass
            await viewer.closed()
            await camera.closed()
    assert one.state.engine.streams == {}
    assert one.state.sessions.all() == []
