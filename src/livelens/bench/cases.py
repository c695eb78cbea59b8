"""Which systems the latency bench measures, and how each is started and connected."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from livelens.bench import peers
from livelens.bench.browser import Watch, asked, call, open_page
from livelens.bench.hosted import Hosted, hosted
from livelens.bench.link import Link
from livelens.bench.livelens_server import PORT, TOKEN, serving
from livelens.bench.report import CannotMeasure

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


@dataclass(frozen=True, slots=True)
class Case:
    """One system at one load.

    Attributes:
        system: as the rows call it.
        cost_ms: what the stage costs.
        rendition: for Livelens: "annotated" waits for the stage, "main" does not.
        workers: threads that share the stage.
        cameras: how many streams at once.
        peer: the released package measured; None is Livelens.
        soak: the long run, for growth.
    """

    system: str
    cost_ms: float
    rendition: str = "annotated"
    workers: int = 1
    cameras: int = 1
    peer: peers.Peer | None = None
    soak: bool = False

    @property
    def name(self) -> str:
        """The system and what sets the case apart, as the rows call it."""
        extra = f", {self.workers} workers" if self.workers > 1 else ""
        extra += f", {self.cameras} cameras" if self.cameras > 1 else ""
        extra += ", long run" if self.soak else ""
        return self.system + extra

    @property
    def label(self) -> str:
        """For progress lines."""
        return f"{self.name} at {self.cost_ms:g} ms"


@contextmanager
def started(
    case: Case, link: Link, load: peers.Load, folder: Path, core: list[int]
) -> Iterator[Hosted]:
    """The case's server, running.

    Raises:
        CannotMeasure: it does not start.
    """
    log = folder / "server.log"
    if case.peer is None:
        stage = {"type": "simulate", "cost_ms": case.cost_ms, "workers": case.workers}
        # The boxes that peers draw too, found by a detector that costs what the case says.
        stage["boxes"] = [list(box) for box in BOXES]
        config = {
            "presets": {"bench": {"stages": [stage], "sinks": _sinks(load.kbps)}},
            "publish": {"preset": "bench"},
        }
        with serving(link, config, folder=folder, cores=core) as server:
            yield server
        return
    python = peers.installed(case.peer)
    command, environment = peers.command_of(case.peer, python, link.host, PORT, load)
    with hosted(
        link, command, port=PORT, log=log, cores=core, environment=environment, folder=folder
    ) as server:
        yield server


# As in peers/work.py, which runs in the peers' own environments.
BOXES = ((0.10, 0.30, 0.30, 0.90), (0.60, 0.40, 0.90, 0.80))


def _sinks(kbps: int) -> list[dict[str, object]]:
    rate = {"bitrate_bps": kbps * 1000}
    return [
        {"type": "whep", "name": "main", **rate},
        {"type": "whep", "name": "annotated", "overlay": {"type": "overlay"}, **rate},
    ]


def connected(case: Case, context: "BrowserContext", server: Hosted, load: peers.Load) -> Watch:
    """A page whose camera goes to the server and whose pictures come back.

    Raises:
        CannotMeasure: the connection fails.
    """
    size = {"width": load.width_px, "height": load.height_px, "fps": load.fps}

    def act(page: "Page") -> None:
        for number in range(case.cameras):
            call(page, *_connection(case, number, size))

    own_page = case.peer is not None and case.peer.signalling == "page"
    try:
        if own_page:
            watch = open_page(context, server.url + "/", _press_start)
        else:
            watch = open_page(context, server.url + "/bench-page", act)
        watch.wait_for_tracks(case.cameras, 30)
    except CannotMeasure as error:
        raise CannotMeasure(f"{case.label}: {error} ({server.tail()})") from error
    return watch


def _press_start(page: "Page") -> None:
    """As a visitor of a Streamlit page does."""
    press = """() => {
        const buttons = [...document.querySelectorAll("button")];
        const named = buttons.filter((b) => b.innerText === "START");
        named.forEach((button) => button.click());
        return named.length > 0;
    }"""
    for _ in range(200):
        if any(asked(frame, press) for frame in page.frames):
            return
        page.wait_for_timeout(100)
    raise CannotMeasure("the page of streamlit-webrtc shows no START")


def _connection(
    case: Case, number: int, size: Mapping[str, int]
) -> tuple[str, Mapping[str, object]]:
    camera = "const track = await camera(size.width, size.height, size.fps);"
    if case.peer is None:
        script = "async ({size, ...rest}) => { CAMERA await whipWhep({track, ...rest}); }"
        options: dict[str, object] = {
            "stream": f"cam{number}",
            "rendition": case.rendition,
            "token": TOKEN,
        }
    else:
        script = """async ({size, url, start, id}) => {
            CAMERA
            await offer({track, url, id});
            const headers = {"content-type": "application/json"};
            const body = JSON.stringify({webrtc_id: id});
            if (start) await fetch(start, {method: "POST", headers, body});
        }"""
        options = {
            "url": case.peer.offer_path,
            "start": case.peer.start_path,
            "id": f"cam{number}",
        }
    return script.replace("CAMERA", camera), {"size": dict(size), **options}
