"""`livelens access`: passwords, tokens and links from the command line."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livelens.cli import app
from livelens.errors import ConfigError
from livelens.server.access.cli import seconds
from livelens.server.access.desk import Access
from livelens.server.access.password import Password
from livelens.server.config import read_config
from livelens.server.identity import Grant


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def said(*arguments: str, given: str | None = None) -> str:
    done = CliRunner().invoke(app, ["access", *arguments], input=given)
    if done.exception is not None:
        raise done.exception
    return done.output.strip()


def test_a_token_that_a_server_takes_later() -> None:
    text = said("token", "--stream", "street*", "--stream", "yard", "--action", "view")
    access = Access.of(read_config({}))
    token = access.signer.read_token(text)
    assert token.grants == (Grant("street*", ("view",)), Grant("yard", ("view",)))
    assert token.expires_unix_s - token.created_unix_s == 86_400
    assert asyncio.run(access.records.tokens())[0].token == token


def test_a_link_leads_to_its_stream() -> None:
    wish = ("token", "--action", "view", "--share", "--url", "https://lens.example/wall/?x#y")
    link = said(*wish, "--stream", "lobby")
    assert link.startswith("https://lens.example/wall/?token=ey")
    assert link.endswith("#/watch/lobby")
    assert "#" not in said(*wish, "--stream", "street*")
    assert said(*wish, "--stream", "a", "--action", "publish").endswith("#/camera")


def test_tokens_are_listed_and_revoked() -> None:
    assert said("list") == "There are none."
    said("token", "--stream", "a", "--action", "control", "--name", "robot", "--expires", "2h")
    line = said("list")
    assert "a: control" in line
    assert "robot" in line
    said("revoke", line.split()[0])
    assert "revoked" in said("list")
    with pytest.raises(ConfigError, match="no id of a token"):
        said("revoke", "a b")


def test_a_password_is_made_or_chosen() -> None:
    made = said("password")
    assert Password().matches(made)
    told = said("password", "--set", given="open, lens\n")
    assert "open" not in told
    assert Password().matches("open, lens")
    assert not Password().matches(made)
    with pytest.raises(ConfigError, match="8 to"):
        said("password", "--set", given="short\n")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--stream", "a", "--action", "admin"), "admin"),
        (("--stream", "a/b", "--action", "view"), "'a/b' is no id"),
        (("--stream", "a", "--action", "view", "--expires", "soon"), "30m, 12h or 7d"),
        (("--stream", "a", "--action", "view", "--expires", "400d"), "366 days"),
        (("--stream", "a", "--action", "view", "--share", "--url", "lens"), "--url"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        said("token", *arguments)
    assert what in str(caught.value)
    assert said("list") == "There are none."


def test_durations() -> None:
    assert [seconds(each) for each in ("90s", "30m", "30min", "1.5h", "7d", "2 W")] == [
        90, 1800, 1800, 5400, 604_800, 1_209_600,
    ]  # fmt: skip
