"""`livelens bench latency`: from the camera to the screen and back, in one page with one clock.

A fake camera shows numbered pictures; the page sends it to the server and sees the server's
pictures return. Two probes read the numbers, each in its own window: `canvas` as the page
shows them (on the display's beat of 16.7 ms), `track` as they leave the camera and the
decoder. Every system gets the same camera, the same sender bitrate and the same encoder
bitrate, its own server process on one core, and its turn in every repetition.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from livelens.bench import camera, peers
from livelens.bench.browser import Sighting, Watch, chromium
from livelens.bench.cases import Case, connected, started
from livelens.bench.hosted import Hosted, Load, confined, split_cores
from livelens.bench.latency_bars import bars_of
from livelens.bench.link import Link, namespaces_possible, server_link
from livelens.bench.report import CannotMeasure, Report, note
from livelens.bench.sightings import describe
from livelens.bench.stats import Row, median_rows

LOOP = 150
KEY = ("system", "cost_ms")
COLUMNS = (
    "system",
    "cost_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "track_p50_ms",
    "track_p99_ms",
    "fps",
    "growth_ms_per_min",
    "cpu_cores",
    "rss_growth_mib",
    "kbps_out",
    "other_cores",
)
_SPREAD = ("p50_ms", "p99_ms", "track_p50_ms", "cpu_cores")


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how often.

    Attributes:
        seconds: length of each probe's window.
        repeats: turns of every case; medians are told.
        costs_ms: of the stage.
        kbps: bitrate of the camera's sender and of every server's encoder.
        soak_s: length of the run for growth; 0 leaves it out.
        with_peers: whether to measure the released packages beside ours.
        only: measure the cases whose label holds this text.
        settle_s: before each system's first window.
    """

    seconds: float = 20.0
    repeats: int = 3
    costs_ms: tuple[float, ...] = (0, 20, 50, 200)
    kbps: int = 2500
    soak_s: float = 300.0
    with_peers: bool = True
    only: str = ""
    settle_s: float = 5.0
    size_px: tuple[int, int] = (1280, 720)
    fps: int = 30


QUICK = Settings(seconds=3, repeats=1, costs_ms=(50,), soak_s=0, settle_s=2)


def run(settings: Settings) -> Report:
    """Measure.

    Raises:
        CannotMeasure: nothing could be measured.
    """
    began = datetime.now(UTC)
    # Without namespaces aiortc's servers cannot be reached: then ours alone, over loopback.
    loopback = not settings.with_peers and not namespaces_possible()
    cases = [case for case in _cases(settings) if settings.only in case.label]
    server_cores, client_cores = split_cores()
    rows: list[Row] = []
    with (
        server_link(loopback=loopback) as link,
        confined(client_cores),
        tempfile.TemporaryDirectory(prefix="livelens-bench-") as folder,
    ):
        rig = _Rig(link, Path(folder), server_cores, settings)
        try:
            for repeat in range(settings.repeats):
                # One long run is enough.
                for case in (case for case in cases if not (case.soak and repeat)):
                    note(f"{repeat + 1}/{settings.repeats} {case.label}")
                    rows += _tried(rig, case)
        except KeyboardInterrupt:
            note("interrupted: what was measured so far is told")
    if not rows:
        raise CannotMeasure("no system could be measured")
    told = _told(settings, link, server_cores, client_cores)
    report = Report("latency", told, started=began)
    report.rows = median_rows(rows, KEY, _SPREAD)
    report.bars = bars_of(report.rows, note)
    return report


def _tried(rig: "_Rig", case: Case) -> list[Row]:
    """One turn; a second try where the first fails, as on a machine that is very busy."""
    for attempt in ("trying again", "skipped"):
        try:
            return [rig.measured(case)]
        except CannotMeasure as error:
            note(f"{attempt}: {error}")
    return []


def _told(
    settings: Settings, link: Link, server_cores: Sequence[int], client_cores: Sequence[int]
) -> dict[str, str | int | float | bool | Sequence[int] | None]:
    return {
        "size_px": list(settings.size_px),
        "fps": settings.fps,
        "seconds": settings.seconds,
        "repeats": settings.repeats,
        "soak_s": settings.soak_s,
        "kbps": settings.kbps,
        "link": link.kind,
        "server_cores": list(server_cores),
        "browser_cores": list(client_cores),
        "p50_ms": "canvas probe, on the display's beat",
        "track_p50_ms": "track probe",
    }


def _cases(settings: Settings) -> list[Case]:
    """Cost by cost, systems in turn."""
    cases: list[Case] = []
    available = _available_peers() if settings.with_peers else []
    for cost_ms in settings.costs_ms:
        cases.append(Case("livelens", cost_ms))
        if cost_ms in (min(settings.costs_ms), max(settings.costs_ms)):
            cases.append(Case("livelens, picture not waiting", cost_ms, rendition="main"))
        if cost_ms == 50:
            cases.append(Case("livelens", cost_ms, workers=2))
        cases += [Case(peer.label, cost_ms, peer=peer) for peer in available]
    if settings.soak_s:
        # A quick run leaves the four cameras out with the soak.
        cases.append(Case("livelens", 20, cameras=4))
        cases += [Case(p.label, 20, cameras=4, peer=p) for p in available if p.offer_path]
        cases.append(Case("livelens", 50, soak=True))
    return cases


def _available_peers() -> list[peers.Peer]:
    found = []
    for peer in peers.PEERS:
        try:
            peers.installed(peer)
        except CannotMeasure as error:
            note(f"skipped: {error}")
        else:
            found.append(peer)
    return found


class _Rig:
    """What stays the same from case to case."""

    def __init__(self, link: Link, folder: Path, core: list[int], settings: Settings) -> None:
        self._link = link
        self._folder = folder
        self._core = core
        self._settings = settings

    def measured(self, case: Case) -> Row:
        """One turn of one case."""
        settings = self._settings
        width, height = settings.size_px if case.cameras == 1 else (640, 360)
        # Four small pictures share the rate of a large one.
        kbps = settings.kbps if case.cameras == 1 else max(500, settings.kbps // case.cameras)
        load = peers.Load(case.cost_ms, kbps, width, height, settings.fps)
        clip = self._clip(width, height)
        with (
            started(case, self._link, load, self._folder, self._core) as server,
            chromium(server.url, clip=clip, kbps=kbps) as context,
        ):
            watch = connected(case, context, server, load)
            row: Row = {
                "system": case.name,
                "cost_ms": case.cost_ms,
                "workers": case.workers,
                "cameras": case.cameras,
                "soak": case.soak,
            }
            seconds = settings.soak_s if case.soak else settings.seconds
            row |= self._track_window(watch, server, case, seconds)
            if not case.soak:
                row |= self._canvas_window(watch, case)
            return row

    def _clip(self, width: int, height: int) -> Path:
        path = self._folder / f"camera-{width}x{height}.y4m"
        if not path.exists():
            camera.write_y4m(path, width, height, self._settings.fps, LOOP)
        return path

    def _track_window(self, watch: Watch, server: Hosted, case: Case, seconds: float) -> Row:
        watch.begin("track")
        watch.pause(self._settings.settle_s)
        watch.take()
        server.measure()
        others, before, began_s = Load(server), watch.stats(), time.monotonic()
        watch.pause(seconds)
        seen, after = watch.take(), watch.stats()
        took_s = time.monotonic() - began_s
        found = self._described(seen, "track", case)
        row: Row = {
            "track_p50_ms": found["p50_ms"],
            "track_p95_ms": found["p95_ms"],
            "track_p99_ms": found["p99_ms"],
            "fps": found["fps"],
            "camera_fps": found["camera_fps"],
            "drop_ratio": found["drop_ratio"],
            "backward": found["backward"],
            "growth_ms_per_min": found["growth_ms_per_min"],
            **server.usage(),
            **others.usage(),
            "kbps_in": _kbps(before, after, "sent_bytes", took_s),
            "kbps_out": _kbps(before, after, "received_bytes", took_s),
        }
        for name in ("codec_in", "codec_out"):
            row[name] = after.get(name)
        row["sent_px"] = "x".join(str(n) for n in after.get("sent_px", ()))
        return row

    def _canvas_window(self, watch: Watch, case: Case) -> Row:
        watch.begin("canvas")
        watch.pause(1.5)
        watch.take()
        watch.pause(self._settings.seconds)
        found = self._described(watch.take(), "canvas", case)
        return {
            "p50_ms": found["p50_ms"],
            "p95_ms": found["p95_ms"],
            "p99_ms": found["p99_ms"],
            "shown_fps": found["fps"],
        }

    def _described(self, seen: list[Sighting], probe: str, case: Case) -> Row:
        """Of several cameras the slowest rate and the longest delays are told."""
        found = []
        for session in range(case.cameras):
            one = describe(seen, probe=probe, session=session, fps=self._settings.fps, loop=LOOP)
            if one is not None:
                found.append(one)
        if not found:
            raise CannotMeasure(f"{case.label}: no numbered picture came back")
        lowest = ("fps", "camera_fps")
        merged: Row = {}
        for name in found[0]:
            values = [float(value) for row in found if isinstance(value := row[name], int | float)]
            if name == "p50_ms":
                merged[name] = round(statistics.median(values), 1)
            else:
                merged[name] = min(values) if name in lowest else max(values, key=abs)
        if len(found) < case.cameras:
            note(f"{case.label}: of {case.cameras - len(found)} cameras nothing came back")
            merged |= {"fps": 0.0, "drop_ratio": 1.0}
        return merged


def _kbps(before: Mapping[str, int], after: Mapping[str, int], name: str, took_s: float) -> int:
    return round((after[name] - before[name]) * 8 / 1000 / took_s)
