"""``livelens plugins``: list, new, test."""

import sys
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


class Kind(StrEnum):
    """What a new plug-in is to be."""

    descriptor = "descriptor"
    detector = "detector"
    stage = "stage"


@app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show every plug-in, the built-in ones too: what it is, whose it is, whether it loads."""
    import msgspec
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from livelens.authoring.calls import Fault
    from livelens.authoring.found import installed

    told: list[dict[str, str | bool]] = []
    for plugin in installed():
        entry: dict[str, str | bool] = {"kind": plugin.kind, "name": plugin.name}
        try:
            entry |= {"about": plugin.about(), "loads": True}
        except Fault as fault:
            entry |= {"about": str(fault), "loads": False}
        told.append(
            entry | {"package": plugin.package, "version": plugin.version, "value": plugin.value}
        )
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "kind", "name", "package", "what"):
        table.add_column(column, no_wrap=column != "what", overflow="fold")
    for entry in told:
        mark = "[green]✓[/]" if entry["loads"] else "[red]✗[/]"
        words = [str(entry[key]) for key in ("kind", "name", "package", "version", "about")]
        kind, name, package, version, about = map(escape, words)
        table.add_row(mark, kind, name, f"{package} {version}", about)
    Console().print(table)


@app.command()
def new(
    kind: Annotated[Kind, typer.Argument(help="What it is to be.")],
    name: Annotated[str, typer.Argument(help="Its type in configurations, such as hat-colour.")],
    to: Annotated[Path, typer.Option(help="The folder to write its folder into.")] = Path(),
) -> None:
    """Write a package that can be installed, tested and run as it is, to begin with."""
    from livelens.authoring.new import create

    folder = create(kind.value, name, to)
    typer.echo(f"{folder}: a {kind.value} that works. Next:")
    config = quote(str(folder / "config.yaml"))
    typer.echo(f"  pip install -e {quote(f'{folder}[test]')}")
    typer.echo(f"  (cd {quote(str(folder))} && pytest)")
    typer.echo(f"  livelens run CLIP --pipeline {config} --results -")


@app.command("test")
def try_(
    what: Annotated[
        str, typer.Argument(help="The folder of a package, installed or not, or a plug-in's name.")
    ],
    config: Annotated[
        Path | None, typer.Option(help="Take its settings from this pipeline; default otherwise.")
    ] = None,
    clip: Annotated[
        Path | None, typer.Option(help="A video that shows what it is for; a sample otherwise.")
    ] = None,
    max_ms: Annotated[
        float | None,
        typer.Option(help="Fail if 5 % of the objects, or frames, take longer.", min=0.001),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds after which a call hangs.", min=0.01)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check on real frames that a plug-in keeps its contract. Exits with 1 if it does not."""
    import msgspec
    from rich.console import Console

    from livelens.authoring.check import Options, settings_in, tested
    from livelens.authoring.found import in_folder, named
    from livelens.authoring.report import show

    chosen = in_folder(Path(what)) if Path(what).is_dir() else named(what)
    reports = []
    for plugin in chosen:
        stage = plugin.kind in ("stage", "descriptor")
        settings = settings_in(config, plugin.name) if config is not None and stage else {}
        report = tested(plugin, Options(settings, clip, max_ms, timeout))
        reports.append(report)
        if not json:
            show(report, Console())
    passed = all(report.passed for report in reports)
    if json:
        told = {"passed": passed, "plugins": [report.as_json() for report in reports]}
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
        sys.stdout.flush()
    if not passed:
        raise typer.Exit(1)
