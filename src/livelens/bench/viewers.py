"""`livelens bench viewers`: what one more viewer of a 720p30 stream costs."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from livelens.bench import camera
from livelens.bench.browser import Watch, call, chromium, open_page
from livelens.bench.hosted import Hosted, Load, confined, split_cores
from livelens.bench.link import Link, namespaces_possible, server_link
from livelens.bench.livelens_server import TOKEN, serving
from livelens.bench.report import Bar, CannotMeasure, Report, note
from livelens.bench.stats import Row, median_rows, slope

if TYPE_CHECKING:
    from playwright.sync_api import Page

COLUMNS = (
    "client",
    "viewers",
    "min_fps",
    "mean_fps",
    "cpu_cores",
    "cpu_per_viewer",
    "lost_ratio",
    "rss_mib",
    "kbps",
    "client_cores",
    "other_cores",
)
_STREAM = "clip"


@dataclass(frozen=True, slots=True)
class Settings:
    """How many, how long, how often."""

    chromium: tuple[int, ...] = (1, 2, 4)
    plain: tuple[int, ...] = (8, 20, 40, 80)
    seconds: float = 15.0
    repeats: int = 3
    kbps: int = 2500
    settle_s: float = 3.0


QUICK = Settings(chromium=(1,), plain=(8, 40), seconds=5, repeats=1)


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: nothing could be measured.
    """
    began = datetime.now(UTC)
    server_cores, client_cores = split_cores()
    rows: list[Row] = []
    with (
        server_link(loopback=not namespaces_possible()) as link,
        confined(client_cores),
        tempfile.TemporaryDirectory(prefix="livelens-bench-") as name,
    ):
        folder = Path(name)
        clip = folder / "clip.mp4"
        camera.write_mp4(clip, 1280, 720, 30, 300, settings.kbps)
        config = _config(clip, settings.kbps)
        cases = [("chromium", n) for n in settings.chromium]
        cases += [("plain", n) for n in settings.plain]
        for repeat in range(settings.repeats):
            for client, count in cases:
                note(f"{repeat + 1}/{settings.repeats} {count} {client} viewers")
                try:
                    with serving(link, config, folder=folder, cores=server_cores) as server:
                        rows.append(_measured(server, client, count, settings))
                except CannotMeasure as error:
                    note(f"skipped: {count} {client} viewers: {error}")
    if not rows:
        raise CannotMeasure("no viewer could be measured")
    told = _told(settings, link, server_cores, client_cores)
    report = Report("viewers", told, started=began)
    report.rows = median_rows(rows, ("client", "viewers"), ("min_fps", "cpu_cores"))
    _add_slope(report.rows)
    report.bars = _bars(report.rows)
    return report


def _config(clip: Path, kbps: int) -> dict[str, object]:
    sink = {"type": "whep", "name": "main", "bitrate_bps": kbps * 1000}
    source = {"type": "file", "path": str(clip), "loop": True}
    return {"streams": {_STREAM: {"source": source, "stages": [], "sinks": [sink]}}}


def _told(
    settings: Settings, link: Link, server_cores: Sequence[int], client_cores: Sequence[int]
) -> dict[str, str | int | float | Sequence[int]]:
    return {
        "size_px": [1280, 720],
        "fps": 30,
        "seconds": settings.seconds,
        "repeats": settings.repeats,
        "kbps": settings.kbps,
        "link": link.kind,
        "server_cores": list(server_cores),
        "client_cores": list(client_cores),
    }


def _measured(server: Hosted, client: str, count: int, settings: Settings) -> Row:
    row: Row = {"client": client, "viewers": count}
    if client == "chromium":
        return row | _with_chromium(server, count, settings)
    return row | _with_plain(server, count, settings)


def _with_chromium(server: Hosted, count: int, settings: Settings) -> Row:
    with chromium(server.url) as context:

        def act(page: "Page") -> None:
            for _ in range(count):
                options = {"stream": _STREAM, "rendition": "main", "token": TOKEN}
                call(page, "(o) => whep({...o, patience_ms: 8000})", options)

        watch: Watch = open_page(context, server.url + "/bench-page", act)
        watch.wait_for_tracks(count, 30)
        watch.show()
        watch.pause(settings.settle_s)
        server.measure()
        others = Load(server)
        before, bytes_before = watch.decoded(), watch.stats()["received_bytes"]
        began_s = time.monotonic()
        watch.pause(settings.seconds)
        after, bytes_after = watch.decoded(), watch.stats()["received_bytes"]
        took_s = time.monotonic() - began_s
        rates = [(b - a) / took_s for a, b in zip(before, after, strict=True)]
        received = (bytes_after - bytes_before) / count
        return _row(rates, server, received, took_s) | others.usage()


def _with_plain(server: Hosted, count: int, settings: Settings) -> Row:
    with _plain_clients(server, count) as ask:
        time.sleep(settings.settle_s)
        server.measure()
        others = Load(server)
        before, began_s = ask(), time.monotonic()
        time.sleep(settings.seconds)
        after, took_s = ask(), time.monotonic() - began_s
        pairs = list(zip(before, after, strict=True))
        rates = [(b["pictures"] - a["pictures"]) / took_s for a, b in pairs]
        received = statistics.fmean(b["bytes"] - a["bytes"] for a, b in pairs)
        lost = sum(b["lost"] - a["lost"] for a, b in pairs)
        # Packets of 1200 bytes, near enough for a ratio that ought to be zero.
        sent = max(1.0, received * count / 1200)
        row = _row(rates, server, received, took_s) | others.usage()
        return row | {"lost_ratio": round(lost / sent, 5)}


def _row(rates: Sequence[float], server: Hosted, received: float, took_s: float) -> Row:
    return {
        "min_fps": round(min(rates), 2),
        "mean_fps": round(statistics.fmean(rates), 2),
        "kbps": round(received * 8 / 1000 / took_s),
        **server.usage(),
    }


@contextmanager
def _plain_clients(server: Hosted, count: int) -> Iterator[Callable[[], list[dict[str, int]]]]:
    """A process of `count` plain viewers; the function asks it for its counts."""
    url = f"{server.url}/whep/{_STREAM}?rendition=main"
    process = subprocess.Popen(
        [sys.executable, "-m", "livelens.bench.plain_viewers", url, TOKEN, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def answer() -> str:
        line = stdout.readline()
        if not line:
            raise CannotMeasure(f"the viewers ended: {server.tail()}")
        return line

    def ask() -> list[dict[str, int]]:
        stdin.write("counts\n")
        stdin.flush()
        counts: list[dict[str, int]] = json.loads(answer())
        return counts

    try:
        json.loads(answer())
        yield ask
    finally:
        stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stdout.close()


def _points(rows: Sequence[Row], client: str) -> list[tuple[float, float]]:
    points = []
    for row in rows:
        viewers, cores = row["viewers"], row["cpu_cores"]
        if row["client"] == client and isinstance(viewers, int) and isinstance(cores, float):
            points.append((float(viewers), cores))
    return points


def _add_slope(rows: Sequence[Row]) -> None:
    """Each row: cores per further viewer since the row of the same client before it."""
    before: dict[object, Row] = {}
    for row in rows:
        last = before.get(row["client"])
        if last is not None:
            pair = _points([last, row], str(row["client"]))
            row["cpu_per_viewer"] = round(slope(pair), 4)
        before[row["client"]] = row


def _bars(rows: Sequence[Row]) -> list[Bar]:
    bars: list[Bar] = []
    forty = [row for row in rows if row["client"] == "plain" and row["viewers"] == 40]
    if forty and isinstance(fps := forty[0]["min_fps"], float):
        bars.append(Bar("fps of the slowest of 40 viewers", fps, 29, "higher"))
    else:
        note("no bar of 40 viewers: not measured")
    # Beyond a full core more viewers cost no more, so only rows below it tell the price.
    points = [(n, cores) for n, cores in _points(rows, "plain") if cores < 0.95]
    if len(points) > 1:
        bars.append(Bar("cores for each further viewer", slope(points), 0.02, "lower"))
    else:
        note("no bar of the price of a viewer: fewer than two measured below a full core")
    return bars
