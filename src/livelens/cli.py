"""The command `livelens`."""

import os
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from livelens import __version__
from livelens.authoring.cli import app as authoring
from livelens.bench.cli import app as bench
from livelens.errors import ConfigError, Interrupted, LivelensError, StageError
from livelens.faces.cli import app as faces
from livelens.models.cli import app as models
from livelens.models.cli import pull
from livelens.server.access.cli import app as access
from livelens.train.cli import app as train

app = typer.Typer(
    name="livelens",
    help="Run vision models on live video, within a latency budget you set.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(models, name="models", help="Models inside published packages, and your own.")
app.add_typer(faces, name="faces", help="People whose faces are recognised: enroll, list, remove.")
app.add_typer(access, name="access", help="Who gets in: the password, tokens, shared links.")
app.add_typer(authoring, name="plugins", help="List, begin and test plug-ins.")
app.add_typer(train, name="train", help="Make the weights that ship with Livelens, or better.")
app.add_typer(bench, name="bench", help="Measure this machine and print the figures.")


_FRAMING = "Framing"
# The status that shells know for Ctrl-C.
_INTERRUPTED = 130
# Of threads that may still be in foreign code when all else has ended.
_LEFT_BEHIND = ("source:", "stage:", "sink:", "end:")


class Log(StrEnum):
    """How log lines look."""

    console = "console"
    json = "json"


class TlsMode(StrEnum):
    """Whether HTTPS is spoken, where no certificate is given."""

    auto = "auto"
    off = "off"


@app.command()
def serve(
    config: Annotated[
        Path | None, typer.Option(help="YAML file: streams, presets, server and WebRTC settings.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A sample clip as a live stream, and your camera.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    tls: Annotated[
        TlsMode | None,
        typer.Option(help="HTTPS: auto, on all but loopback addresses; off, never."),
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Certificate for HTTPS, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    keep_streams: Annotated[
        Path | None,
        typer.Option(help="File in which streams that were added outlive the server."),
    ] = None,
    qr: Annotated[
        bool, typer.Option("--qr", help="Show the QR code also where nobody sits at a terminal.")
    ] = False,
    log: Annotated[Log, typer.Option(help="Form of the log lines.")] = Log.console,
) -> None:
    """Serve streams over WebRTC, with a page, an HTTP API and results."""
    from livelens.models import zoo
    from livelens.server import DEMO_NEEDS, demo_config, load_config
    from livelens.server import serve as run_server
    from livelens.server.config import CertificateFiles

    if (cert is None) != (key is None):
        raise ConfigError("--cert and --key belong together: give both")
    if cert is not None and tls is not None:
        raise ConfigError("give --tls, or --cert and --key, not both")
    secure: CertificateFiles | Literal["auto", "off"] | None = tls.value if tls else None
    if cert is not None and key is not None:
        secure = CertificateFiles(str(cert), str(key))
    if demo and config is not None:
        raise ConfigError("give --demo or --config, not both")
    if demo and (missing := [name for name in DEMO_NEEDS if name not in zoo.cached_names()]):
        pull(missing)
    settings = demo_config() if demo else load_config(config)
    run_server(
        settings,
        host=host,
        port=port,
        tls=secure,
        keep_streams=str(keep_streams) if keep_streams is not None else None,
        qr=qr,
        links=demo,
        log=log.value,
    )


@app.command()
def run(
    source: Annotated[str, typer.Argument(help="A file or URL: clip.mp4, rtsp://…, v4l2://…")],
    detect: Annotated[
        list[str] | None, typer.Option(help="Detector, by model name; may be repeated.")
    ] = None,
    track: Annotated[str | None, typer.Option(help="Tracker: bytetrack or sort.")] = None,
    describe: Annotated[
        list[str] | None,
        typer.Option(help="Descriptor, age-gender say; may be repeated. Tracks objects, too."),
    ] = None,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Points on bodies, faces and hands.")
    ] = False,
    preset: Annotated[
        str | None, typer.Option(help="Stages under a name: faces, people, traffic, …")
    ] = None,
    pipeline: Annotated[
        Path | None, typer.Option(help="YAML file with `stages` and `sinks` instead.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Video, .mp4, with the sound of a file.")
    ] = None,
    raw: Annotated[
        bool | None,
        typer.Option(
            "--raw/--drawn",
            help="Draw nothing on the video, as on a framed one; or draw on it.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Results: .jsonl, .txt for MOT text, or - for stdout.")
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option(help="Keep these classes only; may be repeated.")
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Least confidence of a detection.", min=0, max=1)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda:0, …")] = "cpu",
    max_delay: Annotated[
        float, typer.Option(help="Drop live frames older than this, in seconds.", min=0.001)
    ] = 1.0,
    reframe: Annotated[
        str | None,
        typer.Option(
            metavar="ASPECT",
            help="Follow a subject, in 9:16, 1:1, 4:5, …",
            rich_help_panel=_FRAMING,
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help="Whom: a class (dog), a tracker_id (#7), or whoever is at 0.3,0.5.",
            rich_help_panel=_FRAMING,
        ),
    ] = None,
    group: Annotated[
        int | None,
        typer.Option(
            help="Most subjects to show at once.", min=1, max=100, rich_help_panel=_FRAMING
        ),
    ] = None,
    lookahead: Annotated[
        float | None,
        typer.Option(
            help="Hold live frames so long to see what comes, in s.",
            min=0,
            max=5,
            rich_help_panel=_FRAMING,
        ),
    ] = None,
    passes: Annotated[
        int | None,
        typer.Option(
            help="2 finds the best path first, for files the default.",
            min=1,
            max=2,
            rich_help_panel=_FRAMING,
        ),
    ] = None,
    viewports: Annotated[
        Path | None,
        typer.Option(help="Frame as these results say, .jsonl.", rich_help_panel=_FRAMING),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Process a file without loss, or a live source until stopped."""
    import structlog

    from livelens.passes import run as run_passes
    from livelens.run_options import RunOptions, film_of, passes_of, pipeline_of
    from livelens.server.foresight import check_stages

    # Standard output may be that of `--results -`.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    options = RunOptions(
        source=source,
        detect=detect or (),
        track=track,
        describe=describe or (),
        landmarks=landmarks,
        preset=preset,
        pipeline=pipeline,
        output=output,
        raw=raw,
        results=results,
        classes=classes or (),
        confidence=confidence,
        device=device,
        max_delay_s=max_delay,
        reframe=reframe,
        subject=subject,
        group=group,
        lookahead_s=lookahead,
        passes=passes,
        viewports=viewports,
    )
    spec = pipeline_of(options)
    try:
        check_stages(spec.stages)
    except StageError as error:
        raise ConfigError(str(error)) from None
    run_passes(spec, passes=passes_of(options, spec), film=film_of(spec), quiet=quiet)


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: Annotated[Path | None, typer.Option(help="Check this configuration too.")] = None,
) -> None:
    """Check models, codecs, ports, candidates and GPU, and say what to do about each fault."""
    from livelens.doctor import doctor as examine

    raise typer.Exit(examine(json=json, config=config))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"livelens {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Run vision models on live video, within a latency budget you set."""


def main() -> None:
    """Entry point: errors made on purpose become one line and a non-zero exit."""
    status = _status()
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread.name.startswith(_LEFT_BEHIND) for thread in threading.enumerate()):
        # Python ends daemon threads by unwinding them, which aborts the process where
        # one of them is inside C++: a model that is still being compiled, say.
        os._exit(status)
    sys.exit(status)


def _status() -> int:
    try:
        app()
    except LivelensError as error:
        typer.echo(f"livelens: {error}", err=True)
        if isinstance(error, Interrupted):
            return _INTERRUPTED
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0
