"""`livelens bench …`: measures this machine and prints the figures."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Json = Annotated[
    str | None, typer.Option("--json", help="Write the JSON here; - is standard output.")
]
Quick = Annotated[bool, typer.Option("--quick", help="About a minute; for a first impression.")]


@app.command()
def latency(
    json: Json = None,
    quick: Quick = False,
    peers: Annotated[
        bool, typer.Option(help="Measure released packages too; installs them once.")
    ] = True,
    seconds: Annotated[
        float | None, typer.Option(help="Length of each window.", min=1, max=3600)
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Turns of every case.", min=1)] = None,
    cost: Annotated[
        list[float] | None, typer.Option(help="Cost of the stage in ms; may be repeated.", min=0)
    ] = None,
    soak: Annotated[
        float | None,
        typer.Option(help="Length in seconds of the run for growth; 0 leaves it out.", min=0),
    ] = None,
    only: Annotated[str, typer.Option(help="Only cases whose name holds this text.")] = "",
) -> None:
    """Glass to glass in real Chromium, beside other Python WebRTC servers."""
    from dataclasses import replace

    from livelens.bench import latency as bench
    from livelens.bench.report import CannotMeasure, exit_cannot, publish

    settings = bench.QUICK if quick else bench.Settings()
    settings = replace(
        settings,
        with_peers=peers,
        only=only,
        seconds=settings.seconds if seconds is None else seconds,
        repeats=settings.repeats if repeats is None else repeats,
        costs_ms=tuple(cost) if cost else settings.costs_ms,
        soak_s=settings.soak_s if soak is None else soak,
    )
    try:
        publish(bench.run(settings), bench.COLUMNS, json)
    except CannotMeasure as error:
        raise exit_cannot(error) from error
