"""`livelens bench …`: measures this machine and prints the figures.

Imports of what measures are inside the commands: `livelens --help` needs none of it.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from livelens.bench.report import Report

app = typer.Typer(no_args_is_help=True)

Json = Annotated[
    str | None, typer.Option("--json", help="Write the JSON here; - is standard output.")
]
Quick = Annotated[bool, typer.Option("--quick", help="About a minute; for a first impression.")]
Seconds = Annotated[float | None, typer.Option(help="Length of each window.", min=1, max=3600)]
Repeats = Annotated[int | None, typer.Option(help="Turns of every case.", min=1)]


@app.command()
def latency(
    json: Json = None,
    quick: Quick = False,
    seconds: Seconds = None,
    repeats: Repeats = None,
    peers: Annotated[
        bool, typer.Option(help="Measure released packages too; installs them once.")
    ] = True,
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

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import latency as bench

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
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def viewers(
    json: Json = None,
    quick: Quick = False,
    seconds: Seconds = None,
    repeats: Repeats = None,
    chromium: Annotated[
        list[int] | None, typer.Option(help="Chromium viewers; may be repeated.", min=0)
    ] = None,
    plain: Annotated[
        list[int] | None,
        typer.Option(help="Viewers that do not decode; may be repeated.", min=0),
    ] = None,
) -> None:
    """What one more viewer of a 720p30 stream costs."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import viewers as bench

        settings = bench.QUICK if quick else bench.Settings()
        settings = replace(
            settings,
            seconds=settings.seconds if seconds is None else seconds,
            repeats=settings.repeats if repeats is None else repeats,
        )
        if chromium or plain:
            browsers = tuple(n for n in chromium or () if n)
            settings = replace(
                settings, chromium=browsers, plain=tuple(n for n in plain or () if n)
            )
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def throughput(
    json: Json = None,
    quick: Quick = False,
    seconds: Seconds = None,
    repeats: Repeats = None,
    streams: Annotated[
        list[int] | None, typer.Option(help="Streams that share it; may be repeated.", min=1)
    ] = None,
    clip: Annotated[Path | None, typer.Option(help="A video file instead of a made one.")] = None,
    model: Annotated[str, typer.Option(help="A detector of the zoo.")] = "coco-ssd",
) -> None:
    """The pipeline against a bare loop, and streams that share a detector."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import throughput as bench

        settings = bench.QUICK if quick else bench.Settings()
        settings = replace(
            settings,
            seconds=settings.seconds if seconds is None else seconds,
            repeats=settings.repeats if repeats is None else repeats,
            streams=tuple(streams) if streams else settings.streams,
            clip=clip,
            model=model,
        )
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def lanes(json: Json = None, quick: Quick = False, repeats: Repeats = None) -> None:
    """Process lanes against threads: handing frames over, Python on two workers, memory."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import lanes as bench

        settings = bench.QUICK if quick else bench.Settings()
        if repeats is not None:
            settings = replace(settings, repeats=repeats)
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def footprint(json: Json = None, quick: Quick = False, repeats: Repeats = None) -> None:
    """Size of the default install and time of its imports."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import footprint as bench

        settings = bench.QUICK if quick else bench.Settings()
        if repeats is not None:
            settings = replace(settings, repeats=repeats)
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def models(
    json: Json = None,
    quick: Quick = False,
    seconds: Seconds = None,
    repeats: Repeats = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model, alone; may be repeated.")
    ] = None,
    alone: Annotated[bool, typer.Option(help="Measure every model that is cached.")] = True,
    together: Annotated[bool, typer.Option(help="Measure faces end to end.")] = True,
) -> None:
    """How long models take: alone, and all that describe faces end to end."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench import models as bench

        settings = bench.QUICK if quick else bench.Settings()
        settings = replace(
            settings,
            seconds=settings.seconds if seconds is None else seconds,
            repeats=settings.repeats if repeats is None else repeats,
            models=tuple(model or ()),
            alone=alone,
            together=together and not model,
        )
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


@app.command()
def perception(
    data: Annotated[
        Path, typer.Option(help="Folder of pictures and videos with their ground truth.")
    ],
    json: Json = None,
    quick: Annotated[bool, typer.Option("--quick", help="Without whole videos.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
) -> None:
    """How right detectors, trackers and descriptors are, on data with ground truth."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench.perception import run as bench

        return bench.run(data, only=only or (), quick=quick), bench.COLUMNS

    _publish(measure, json)


@app.command()
def framing(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with framing/ and tracking/; without it only streams."),
    ] = None,
    json: Json = None,
    quick: Quick = False,
    seconds: Seconds = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for a plot of each clip.")] = None,
    gif: Annotated[
        Path | None, typer.Option(help="Folder for moving pictures, before and after.")
    ] = None,
    detector: Annotated[
        bool, typer.Option(help="Also with the boxes of our own detector and tracker.")
    ] = True,
    streams: Annotated[bool, typer.Option(help="Measure the stage and whole streams.")] = True,
) -> None:
    """How a virtual camera follows: jerk, error, what is cut off; the stage, a whole stream."""

    def measure() -> "tuple[Report, Sequence[str]]":
        from livelens.bench.framing import run as bench

        settings = bench.QUICK if quick else bench.Settings()
        settings = replace(
            settings,
            data=data,
            plots=plots,
            gifs=gif,
            detector=detector,
            streams=streams,
            seconds=settings.seconds if seconds is None else seconds,
        )
        return bench.run(settings), bench.COLUMNS

    _publish(measure, json)


def _publish(measure: "Callable[[], tuple[Report, Sequence[str]]]", json: str | None) -> None:
    """Status 0 when measured, whatever the bars say; 2 when nothing could be."""
    from livelens.bench.report import publish
    from livelens.errors import LivelensError

    # Ended from outside, servers, browsers and namespaces go too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        report, columns = measure()
        publish(report, columns, json)
    except LivelensError as error:
        typer.echo(f"cannot measure: {error}", err=True)
        raise typer.Exit(2) from error
