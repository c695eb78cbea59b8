"""``livelens models``: list, pull, verify, add."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from livelens.models.fetch import Progress as Show

app = typer.Typer(no_args_is_help=True)

_MB = 1_000_000


@app.command("list")
def list_() -> None:
    """Show every model and clip: licence, size, and whether it is here."""
    from rich.console import Console
    from rich.table import Table

    from livelens.models import zoo
    from livelens.models.manifest import manifest

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "what", "licence", "download", "here"):
        table.add_column(column, justify="right" if column == "download" else "left")
    comes_along = {card.name for card in manifest().models if card.package is None}
    for model in zoo.list_models():
        card = model.card
        other = "comes along" if card.name in comes_along else "own file"
        size = f"{card.size / _MB:.1f} MB" if card.package else other
        here = "yes" if model.cached else "no"
        table.add_row(card.name, card.description, card.licence or "not said", size, here)
    for clip in zoo.list_clips():
        card_size = f"{clip.card.package.size / _MB:.1f} MB"
        here = "yes" if clip.cached else "no"
        table.add_row(clip.card.name, clip.card.description, clip.card.licence, card_size, here)
    Console().print(table)


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models or clips; all but the optional if none.")
    ] = None,
) -> None:
    """Fetch models and clips into the cache. What is there and whole is left alone."""
    from rich import progress as bars
    from rich.console import Console

    from livelens.models import zoo

    console = Console(stderr=True)
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TimeRemainingColumn(),
    )
    for name in names or zoo.default_names():
        if console.is_terminal:
            with bars.Progress(*columns, console=console, transient=True) as bar:
                path = zoo.pull(name, _shown_on(bar, name))
        else:
            path = zoo.pull(name, _told())
        typer.echo(f"{name}: {path}")


def _shown_on(bar: "Progress", name: str) -> "Show":
    task = bar.add_task(name, total=None)

    def show(what: str, done: int, total: int) -> None:
        bar.update(task, description=what, completed=min(done, total), total=total)

    return show


def _told() -> "Show":
    """For logs: one line when a download begins."""
    begun: set[str] = set()

    def show(what: str, done: int, total: int) -> None:
        if what not in begun:
            begun.add(what)
            typer.echo(f"{what}: fetching {total / _MB:.1f} MB", err=True)

    return show


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models or clips; all that are here if none.")
    ] = None,
) -> None:
    """Check cached files against the manifest. Exits with 1 if any of them differs."""
    from livelens.errors import ModelError
    from livelens.models import zoo

    faults = 0
    for name in names or zoo.cached_names():
        try:
            zoo.verify(name)
        except ModelError as error:
            faults += 1
            typer.echo(f"livelens: {error}", err=True)
        else:
            typer.echo(f"{name}: ok")
    if faults:
        raise typer.Exit(1)


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="The model file, .onnx.")],
    name: Annotated[str, typer.Option(help="What to call it.")],
    decoder: Annotated[
        str,
        typer.Option(
            help="How to read its outputs: yolox, ultralytics, rfdetr, ssd, nanodet, blazeface "
            "or centerface."
        ),
    ],
    labels: Annotated[
        str | None,
        typer.Option(help="coco80, coco90, coco91, person, face, or a text file, one on a line."),
    ] = None,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Width and height of the input, if the file leaves them open."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Its licence, to be shown in the list.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace one of this name.")] = False,
) -> None:
    """Register your own model file, once it has run and its decoder fits."""
    from livelens.models import zoo

    card = zoo.add(path, name, decoder, labels, size_px=size, licence=licence, replace=replace)
    typer.echo(
        f"{card.name}: {card.input.width_px}×{card.input.height_px}, {len(card.labels)} classes; "
        f"try 'livelens run VIDEO --detect {card.name}'"
    )
