"""Released packages that do what Livelens does, each in its own cached environment."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from livelens.bench.report import CannotMeasure, note

HERE = Path(__file__).resolve().parent
_DRAWING = "opencv-python-headless>=4.10"


@dataclass(frozen=True, slots=True)
class Peer:
    """A system to measure beside ours.

    Attributes:
        name: as the rows call it.
        requirements: what pip installs; the first is the package whose version is quoted.
        signalling: how its page connects: the one JSON offer, or its own page.
        offer_path: where the offer goes.
        start_path: what to call after the offer, if anything.
    """

    name: str
    requirements: tuple[str, ...]
    signalling: str
    offer_path: str = ""
    start_path: str = ""

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.requirements[0].partition('==')[2]}"


PEERS = (
    Peer(
        "aiortc, newest frame in a thread",
        ("aiortc==1.16.0", "av==18.1.0", "uvicorn>=0.34", "starlette>=0.45", _DRAWING),
        "offer",
        "/offer",
    ),
    Peer(
        "FastRTC skip_frames",
        ("fastrtc==0.0.34", "aiortc==1.16.0", "av==18.1.0", _DRAWING),
        "offer",
        "/webrtc/offer",
        "/start",
    ),
    Peer(
        "streamlit-webrtc",
        ("streamlit-webrtc==0.79.0", "streamlit==1.67.0", "aiortc==1.16.0", "av==18.1.0", _DRAWING),
        "page",
    ),
)

_SCRIPTS = {
    "aiortc, newest frame in a thread": "aiortc_server.py",
    "FastRTC skip_frames": "fastrtc_server.py",
    "streamlit-webrtc": "streamlit_app.py",
}


@dataclass(frozen=True, slots=True)
class Load:
    """What a peer's server is asked to do."""

    cost_ms: float
    kbps: int
    width_px: int
    height_px: int
    fps: int


def environment_of(peer: Peer) -> Path:
    """The folder of the peer's own virtual environment."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = peer.requirements[0].replace("==", "-")
    return user_cache_path("livelens") / "bench" / "peers" / f"{name}-py{python}"


def installed(peer: Peer) -> Path:
    """The peer's Python, its packages installed the first time.

    Raises:
        CannotMeasure: they cannot be installed; the message is pip's last line.
    """
    folder = environment_of(peer)
    python = folder / "bin" / "python"
    complete = folder / "complete"
    wanted = "\n".join(peer.requirements)
    if complete.is_file() and complete.read_text(encoding="utf-8") == wanted:
        return python
    note(f"installing {peer.label} into {folder}")
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", *peer.requirements],
    )
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
        except OSError as error:
            raise CannotMeasure(f"{peer.label} cannot be installed: {error}") from error
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.strip()]
            reason = errors[-1] if errors else f"status {done.returncode}"
            raise CannotMeasure(f"{peer.label} cannot be installed: {reason}")
    complete.write_text(wanted, encoding="utf-8")
    return python


def command_of(
    peer: Peer, python: Path, host: str, port: int, load: Load
) -> tuple[list[str], dict[str, str]]:
    """The command that serves, and what to add to its environment."""
    script = str(HERE / _SCRIPTS[peer.name])
    # No call home may add its time to a measurement.
    quiet = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(HERE)}
    if peer.signalling == "page":
        options = {
            "server.headless": "true",
            "server.address": host,
            "server.port": str(port),
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        flags = [part for key, value in options.items() for part in (f"--{key}", value)]
        for name in ("cost_ms", "kbps", "width_px", "height_px", "fps"):
            quiet[f"LIVELENS_BENCH_{name.upper()}"] = str(getattr(load, name))
        return [str(python), "-m", "streamlit", "run", script, *flags], quiet
    return [str(python), script, host, str(port), str(load.cost_ms), str(load.kbps)], quiet
