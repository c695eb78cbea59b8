"""``livelens access``: the password, tokens and shared links."""

import asyncio
import re
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from livelens.errors import ConfigError

if TYPE_CHECKING:
    from livelens.server.access.desk import Access

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option(help="The server's YAML file, if it says something of access.")
]
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


@app.command()
def password(
    choose: Annotated[
        bool, typer.Option("--set", help="Ask for one of yours, or read it from standard input.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Make another administrator's password, and print it. Sessions of before end."""
    from livelens.server.access.password import made

    access = _access(config)
    new = _asked() if choose else made()
    access.password.change(new)
    # A running server ends those that it keeps in memory by itself.
    _run(access, access.end_sessions())
    if choose:
        typer.echo("The password is changed.")
    else:
        typer.echo(new)


@app.command()
def token(
    stream: Annotated[
        list[str], typer.Option(help="Id of a stream, or a pattern as 'street*'; may be repeated.")
    ],
    action: Annotated[
        list[str], typer.Option(help="view, publish or control (and view); may be repeated.")
    ],
    expires: Annotated[str, typer.Option(help="After so long: 30m, 12h, 7d; a year at most.")] = (
        "1d"
    ),
    name: Annotated[str, typer.Option(help="What the list of tokens calls it.")] = "",
    share: Annotated[
        bool, typer.Option("--share", help="Print a link for a person instead of a token.")
    ] = False,
    url: Annotated[
        str, typer.Option(help="With --share: the address of the page.")
    ] = "http://127.0.0.1:8080/",
    config: ConfigOption = None,
) -> None:
    """Make a token, or a link that opens the page, with rights of its own. No server is asked."""
    from livelens import plugins
    from livelens.server.access.tokens import new_token
    from livelens.server.identity import Grant

    given = [{"stream": each, "actions": action} for each in stream]
    grants = plugins.converted(given, tuple[Grant, ...], "$.grants")
    made = new_token(name, "share" if share else "token", grants, seconds(expires))
    if share and not re.match(r"https?://[^/?#]+", url):
        raise ConfigError(f"--url is the address of the page, as https://HOST:8080/, not {url!r}")
    access = _access(config)
    text = _run(access, access.make_token(made))
    if not share:
        typer.echo(text)
        return
    # To a single stream at once; to the list of them otherwise.
    one = len(stream) == 1 and not set(stream[0]) & set("*?")
    place = "#/camera" if "publish" in action else f"#/watch/{stream[0]}" if one else ""
    page = url.partition("#")[0].partition("?")[0].rstrip("/")
    typer.echo(f"{page}/?token={text}{place}")


@app.command("list")
def list_tokens(config: ConfigOption = None) -> None:
    """List tokens and links that have not expired."""
    from datetime import UTC, datetime

    access = _access(config)
    records = _run(access, access.records.tokens())
    for record in records:
        told = record.token
        until = datetime.fromtimestamp(told.expires_unix_s, UTC).strftime("%Y-%m-%d %H:%MZ")
        rights = "; ".join(f"{each.stream}: {', '.join(each.actions)}" for each in told.grants)
        state = "revoked" if record.revoked else f"until {until}"
        typer.echo(f"{told.id}  {told.kind:5}  {state}  {rights}  {told.name}".rstrip())
    if not records:
        typer.echo("There are none.")


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="Its id, as the list tells it.")],
    config: ConfigOption = None,
) -> None:
    """Revoke a token or link; a running server knows within seconds."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,64}", token):
        raise ConfigError(f"no id of a token: {token[:20]!r}; `livelens access list` tells them")
    access = _access(config)
    _run(access, access.records.revoke(token))
    typer.echo(f"{token} is revoked.")


def seconds(text: str) -> float:
    """A duration as people write it, in seconds. Raises ConfigError."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(f"--expires is a duration as 30m, 12h or 7d, not {text!r}")
    return float(found[1]) * _UNIT_S[found[2]]


def _access(config: Path | None) -> "Access":
    from livelens.server.access.desk import Access
    from livelens.server.config import load_config

    return Access.of(load_config(config))


def _run(access: "Access", work: Coroutine[Any, Any, T]) -> T:
    async def run() -> T:
        try:
            return await work
        finally:
            await access.records.close()

    return asyncio.run(run())


def _asked() -> str:
    from livelens.server.access.password import checked

    if not sys.stdin.isatty():
        return checked(sys.stdin.readline().rstrip("\r\n"))
    new: str = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    return checked(new)
