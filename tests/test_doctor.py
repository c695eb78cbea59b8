import json
import socket
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from livelens import doctor, plugins
from livelens.doctor import Check
from livelens.media.rtc_config import RtcConfig
from livelens.media.selftest import Meeting
from livelens.models.fetch import package_folder
from livelens.models.zoo import model_card
from livelens.server import config as server_config


class Listening:
    tls: object = "auto"

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port


@pytest.fixture
def udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("0.0.0.0", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVELENS_CACHE", str(tmp_path))
    return tmp_path


def test_a_port_in_use_is_a_warning_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        check = doctor._http_port(Listening("127.0.0.1", port))
    assert check.status == "warn"
    assert str(port) in check.found
    assert doctor._http_port(Listening("127.0.0.1", port)).status == "ok"


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    check = doctor._http_port(Listening("203.0.113.7", 8080))
    assert check.status == "fail"
    assert "203.0.113.7" in check.found
    assert "server.host" in check.advice


def test_a_certificate_that_cannot_be_used_is_told() -> None:
    files = server_config.CertificateFiles("none.pem", "none.pem")
    (check,) = doctor._certificate(server_config.Listening(tls=files))
    assert check.status == "fail"
    assert "none.pem: No such file" in check.found
    assert list(doctor._certificate(server_config.Listening())) == []


def test_a_udp_range_that_is_taken_fails(udp_port: int) -> None:
    rtc = RtcConfig(udp_ports=(udp_port, udp_port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", udp_port))
        check = doctor._udp_ports(rtc)
    assert check.status == "fail"
    assert f"0 of 1 ports in {udp_port}" in check.found
    assert doctor._udp_ports(rtc).status == "warn"


def test_no_free_udp_port_is_found_by_the_meeting_of_two_peers_too(udp_port: int) -> None:
    (check,) = doctor._webrtc(RtcConfig(udp_ports=(udp_port, udp_port), bind_hosts=["127.0.0.1"]))
    assert check.status == "fail"
    assert str(udp_port) in check.found


def test_peers_meet_and_a_loopback_address_alone_is_a_warning() -> None:
    meeting, candidates = doctor._webrtc(RtcConfig(bind_hosts=["127.0.0.1"]))
    assert meeting.status == "ok"
    assert "127.0.0.1:" in meeting.found
    assert candidates.status == "warn"
    assert "this machine" in candidates.advice


def test_a_container_wants_advertised_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_in_container", lambda: True)
    met = Meeting("", 0.0, ["172.17.0.2", "127.0.0.1"])
    assert "advertised_hosts" in doctor._candidates(RtcConfig(), met).advice
    told = RtcConfig(advertised_hosts=["203.0.113.7"])
    assert doctor._candidates(told, met).status == "ok"


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_codecs_encode(codec: str) -> None:
    assert doctor._codec(codec).status == "ok"  # type: ignore[arg-type]


def test_a_missing_program_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = doctor._ffmpeg()
    assert check.status == "warn"
    assert "apt-get install -y ffmpeg" in check.advice


def test_models_not_fetched_yet_are_a_warning(empty_cache: Path) -> None:
    check, *shipped = doctor._models()
    assert check.status == "warn"
    assert "coco-ssd" in check.found
    assert check.advice == "livelens models pull"
    assert {each.status for each in shipped} <= {"ok"}  # those that come with Livelens


def test_a_damaged_model_is_a_failure_that_names_the_file(empty_cache: Path) -> None:
    package = model_card("coco-ssd").package
    assert package is not None
    folder = package_folder("coco-ssd", package)
    folder.mkdir(parents=True)
    for file in package.files:
        (folder / file.name).write_bytes(b"damaged")
    check = {check.name: check for check in doctor._models()}["model coco-ssd"]
    assert check.status == "fail"
    assert package.files[0].name in check.found
    assert check.advice == "livelens models pull coco-ssd"


def test_a_plugin_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("odd", "no_such_module:Odd", "livelens.stages")
    monkeypatch.setattr(plugins, "installed", lambda group: {"odd": broken})
    check = doctor._plugins()
    assert check.status == "warn"
    assert "stages.odd (no_such_module:Odd)" in check.found


def test_the_exit_code_tells_whether_something_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = [Check("one", "ok", "fine"), Check("two", "warn", "odd", "mend it")]
    monkeypatch.setattr(doctor, "run_checks", lambda config: iter(fine))
    assert doctor.doctor() == 0
    assert "→ mend it" in capsys.readouterr().out
    monkeypatch.setattr(
        doctor, "run_checks", lambda config: iter([*fine, Check("three", "fail", "broken", "x")])
    )
    assert doctor.doctor(json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert told["checks"][0] == {"name": "one", "status": "ok", "found": "fine"}


@pytest.mark.e2e
def test_the_command_reports_a_bad_configuration_and_all_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("server: {prot: 8080}\n")
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("livelens")),
            "doctor",
            "--json",
            "--config",
            str(file),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["configuration"]["status"] == "fail"
    assert "prot" in checks["configuration"]["found"]
    assert checks["codec h264"]["status"] == "ok"
    assert checks["webrtc"]["status"] == "ok"
