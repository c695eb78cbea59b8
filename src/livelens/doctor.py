"""`livelens doctor`: what works on this machine, what does not, and what to do about it."""

import asyncio
import errno
import importlib.metadata
import ipaddress
import platform
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol, get_args

import msgspec
import numpy as np
from rich.console import Console

from livelens import plugins
from livelens.clock import now_ns
from livelens.errors import LivelensError
from livelens.media.encode import Encoder, EncoderSettings
from livelens.media.payload import VideoCodec
from livelens.media.rtc_config import RtcConfig
from livelens.media.selftest import Meeting, meet
from livelens.models import hardware, zoo
from livelens.models.detector import Detector
from livelens.models.fetch import cache_dir
from livelens.models.manifest import ModelCard
from livelens.models.network import Network
from livelens.picture import ArrayPicture

Status = Literal["ok", "warn", "fail"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_PACKAGES = ("av", "aiortc", "numpy", "opencv-python-headless", "openvino", "supervision")
_GROUPS = ("sources", "stages", "descriptors", "sinks")
_LEAST_FREE_BYTES = 1 << 30
_SUBPROCESS_S = 10


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing looked at.

    Attributes:
        name: what was looked at.
        status: `warn` leaves something unusable that not everybody needs; `fail` breaks streams.
        found: what there is.
        advice: what to do about it; empty when all is well.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


class Listening(Protocol):
    """The part of a server's settings that says where it listens, and how."""

    @property
    def tls(self) -> object: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


def doctor(json: bool = False, config: Path | None = None) -> int:
    """Run and print all checks.

    Args:
        json: print one JSON object, ``{"ok": …, "checks": [{name, status, found, advice}]}``.
        config: check with the ports and addresses of this file instead of the defaults.

    Returns:
        The exit code: 1 when a check failed, else 0.
    """
    console = Console(highlight=False, soft_wrap=True)
    checks = []
    for check in run_checks(config):
        checks.append(check)
        if not json:
            _print(console, check)
    failed = any(check.status == "fail" for check in checks)
    if json:
        print(msgspec.json.encode({"ok": not failed, "checks": checks}).decode())
    return int(failed)


def run_checks(config: Path | None = None) -> Iterator[Check]:
    """Every check, as it is done. No check raises; one that cannot work is a `fail`."""
    listening, rtc, configured = _configuration(config)
    if configured is not None:
        yield configured
    yield _python()
    yield _processor()
    yield _space()
    yield from _models()
    yield from _runtimes()
    for codec in get_args(VideoCodec):
        yield _codec(codec)
    yield _ffmpeg()
    if listening is not None:
        yield from _certificate(listening)
        yield _http_port(listening)
    yield _udp_ports(rtc)
    yield from _webrtc(rtc)
    yield _plugins()


def _print(console: Console, check: Check) -> None:
    colour = _COLOURS[check.status]
    console.print(f"[{colour}]{check.status:<4}[/]  {check.name:<21}  ", end="")
    console.print(check.found, markup=False)
    if check.advice:
        console.print(f"{'':29}→ {check.advice}", markup=False)


def _configuration(file: Path | None) -> tuple[Listening | None, RtcConfig, Check | None]:
    from livelens.server import load_config

    try:
        settings = load_config(file)
    except LivelensError as error:
        check = Check("configuration", "fail", str(error), "correct the file; see configuration.md")
        return None, RtcConfig(), check
    check = Check("configuration", "ok", f"{file}: {len(settings.streams)} streams")
    return settings.server, settings.webrtc, check if file is not None else None


def _python() -> Check:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    found = f"{platform.python_version()}, livelens {importlib.metadata.version('livelens')}"
    return Check("python", "ok", f"{found}, {versions}")


def _processor() -> Check:
    cores, features = hardware.cpu_count(), hardware.cpu_features()
    found = f"{cores} cores, {', '.join(features) or 'no instructions for neural networks known'}"
    if not {"AVX2", "AVX-512", "NEON"} & set(features):
        advice = "expect slow models: choose a small one and a larger max_delay_s"
        return Check("processor", "warn", found, advice)
    return Check("processor", "ok", found)


def _space() -> Check:
    folder = cache_dir()
    while not folder.exists():
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("disk", "fail", f"{folder}: {error.strerror}", "set LIVELENS_CACHE")
    found = f"{free / 1e9:.1f} GB free for models in {cache_dir()}"
    if free < _LEAST_FREE_BYTES:
        return Check("disk", "warn", found, "free some space, or set LIVELENS_CACHE")
    return Check("disk", "ok", found)


def _models() -> Iterator[Check]:
    try:
        models = zoo.list_models()
    except LivelensError as error:
        yield Check("models", "fail", str(error), "correct or remove your own model")
        return
    missing = [m.card.name for m in models if not m.cached and not m.card.optional]
    present = [m.card for m in models if m.cached]
    if missing:
        found, advice = f"not here yet: {', '.join(missing)}", "livelens models pull"
        yield Check("models", "warn", found, advice)
    for card in present:
        yield _model(card)


def _model(card: ModelCard) -> Check:
    """Verify a model, and run it."""
    what = f"model {card.name}"
    model: Detector | Network
    try:
        zoo.verify(card.name)
        model = zoo.load(card.name) if card.task == "detect" else zoo.network(card.name)
        size = (640, 360) if isinstance(model, Detector) else model.input_size_px
        blank = np.zeros((size[1], size[0], 3), np.uint8)
        model([blank])
        took_ms = min(_timed_ms(lambda: model([blank])) for _ in range(3))
        model.close()
    except LivelensError as error:
        return Check(what, "fail", str(error), f"livelens models pull {card.name}")
    return Check(what, "ok", f"verified, {took_ms:.0f} ms for a {size[0]}x{size[1]} picture")


def _timed_ms(call: Callable[[], object]) -> float:
    began_ns = now_ns()
    call()
    return (now_ns() - began_ns) / 1e6


def _runtimes() -> Iterator[Check]:
    try:
        devices = hardware.openvino_devices()
        providers = hardware.onnxruntime_providers()
    except LivelensError as error:
        yield Check("runtimes", "fail", str(error), "pip install --force-reinstall livelens")
        return
    ours = [name.removesuffix("ExecutionProvider") for name in providers or []]
    onnx = f"onnxruntime: {', '.join(ours)}" if ours else "onnxruntime: not installed (optional)"
    yield Check("runtimes", "ok", f"OpenVINO: {', '.join(devices)}; {onnx}")
    cards = _nvidia_cards()
    if not cards:
        yield Check("gpu", "ok", "no NVIDIA GPU; models run on the CPU")
    elif "CUDA" in ours:
        yield Check("gpu", "ok", f"{cards}; use it with device: cuda")
    else:
        advice = "pip uninstall onnxruntime; pip install 'livelens[cuda]'; then device: cuda"
        yield Check("gpu", "warn", f"{cards}, not used", advice)


def _nvidia_cards() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SUBPROCESS_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ", ".join(done.stdout.split("\n")).strip(", ")


def _codec(codec: VideoCodec) -> Check:
    """Encode one picture for real."""
    encoder = Encoder(EncoderSettings(codec=codec))
    picture = ArrayPicture(np.zeros((360, 640, 3), np.uint8))
    try:
        encoded = encoder.encode(picture, 0, keyframe=True)
    except (LivelensError, ValueError, OSError) as error:
        # PyAV's errors are ValueErrors and OSErrors too.
        reinstall = "pip install --force-reinstall av"
        return Check(f"codec {codec}", "fail", f"does not encode: {error}", reinstall)
    finally:
        encoder.close()
    if encoded is None or not encoded.keyframe:
        return Check(f"codec {codec}", "fail", "gives no keyframe", "reinstall the package av")
    return Check(f"codec {codec}", "ok", "encodes")


def _ffmpeg() -> Check:
    program = shutil.which("ffmpeg")
    if program is None:
        advice = "SRT and V4L2 sources need it: sudo apt-get install -y ffmpeg"
        return Check("ffmpeg", "warn", "not on PATH", advice)
    try:
        done = subprocess.run(
            [program, "-hide_banner", "-protocols"],
            capture_output=True,
            text=True,
            timeout=_SUBPROCESS_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Check("ffmpeg", "warn", f"{program} does not run: {error}", "reinstall ffmpeg")
    if "srt" not in done.stdout.split():
        advice = "SRT sources need an ffmpeg built with libsrt, such as your distribution's"
        return Check("ffmpeg", "warn", f"{program}, without SRT", advice)
    return Check("ffmpeg", "ok", f"{program}, with SRT")


def _certificate(listening: Listening) -> Iterator[Check]:
    from livelens.server.config import CertificateFiles
    from livelens.server.https.certificates import given_certificate

    if not isinstance(listening.tls, CertificateFiles):
        return
    files = (Path(each).expanduser() for each in (listening.tls.cert, listening.tls.key))
    try:
        certificate = given_certificate(*files)
    except LivelensError as error:
        yield Check("certificate", "fail", str(error), "give another one; see security.md")
        return
    yield Check("certificate", "ok", f"valid until {certificate.expires:%F}")


def _http_port(listening: Listening) -> Check:
    where = f"{listening.host}:{listening.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listening.host, listening.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "fine if it is Livelens; otherwise choose another with --port"
            return Check("http port", "warn", f"{where} is in use", advice)
        advice = "set server.host to an address of this machine, and a port above 1023"
        return Check("http port", "fail", f"{where}: {error.strerror}", advice)
    return Check("http port", "ok", f"{where} is free")


def _udp_ports(rtc: RtcConfig) -> Check:
    if rtc.udp_ports is None:
        advice = "behind a firewall set webrtc.udp_ports: [first, last] and open them"
        return Check("udp ports", "ok", "any, as the system gives them", advice)
    first, last = rtc.udp_ports
    free = sum(_bindable(port) for port in range(first, last + 1))
    found = f"{free} of {last + 1 - first} ports in {first}-{last} are free"
    if free == 0:
        return Check("udp ports", "fail", found, "choose another range in webrtc.udp_ports")
    advice = "" if free > 1 else "each peer takes one: widen webrtc.udp_ports"
    return Check("udp ports", "warn" if advice else "ok", found, advice)


def _bindable(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def _webrtc(rtc: RtcConfig) -> Iterator[Check]:
    """Two peers meet on this machine; and which addresses a browser is offered."""
    try:
        met = asyncio.run(meet(rtc))
    except (LivelensError, ConnectionError, OSError) as error:
        advice = "allow UDP between local addresses, or set webrtc.bind_hosts"
        yield Check("webrtc", "fail", str(error), advice)
        return
    yield Check("webrtc", "ok", f"two peers met in {met.took_s * 1000:.0f} ms: {met.path}")
    yield _candidates(rtc, met)


def _candidates(rtc: RtcConfig, met: Meeting) -> Check:
    found = f"browsers are offered {', '.join(met.addresses)}"
    outward = [a for a in map(ipaddress.ip_address, met.addresses) if not a.is_loopback]
    if not outward:
        advice = "only browsers on this machine can connect; see webrtc.md"
        return Check("candidates", "warn", found, advice)
    if _in_container() and not rtc.advertised_hosts:
        advice = "in a container: set webrtc.advertised_hosts and udp_ports, and publish them"
        return Check("candidates", "warn", found, advice)
    if all(a.is_private for a in outward) and not rtc.ice_servers:
        advice = "from outside this network browsers need advertised_hosts or a TURN server"
        return Check("candidates", "ok", found, advice)
    return Check("candidates", "ok", found)


def _in_container() -> bool:
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def _plugins() -> Check:
    broken = []
    count = 0
    for group in _GROUPS:
        for name, entry in plugins.installed(group).items():
            count += 1
            if (reason := _fault(entry.load)) is not None:
                broken.append(f"{group}.{name} ({entry.value}): {reason}")
    if broken:
        advice = "they fail only where they are used; reinstall or remove their package"
        return Check("plug-ins", "warn", "; ".join(broken), advice)
    return Check("plug-ins", "ok", f"{count} sources, stages, descriptors and sinks load")


def _fault(load: Callable[[], object]) -> str | None:
    try:
        load()
    except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way while importing
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None
