"""What the HTTP API may reach."""

import ipaddress
from pathlib import Path

import pytest

from livelens import plugins
from livelens.errors import Forbidden
from livelens.server.urls import (
    Address,
    check_pipeline,
    check_sink,
    check_source,
    check_stage,
    check_url,
    without_redirects,
)

PUBLIC = "93.184.215.14"


def never(host: str) -> list[Address]:
    raise AssertionError(f"{host} was resolved")


def answers(*addresses: str) -> object:
    return lambda _: [ipaddress.ip_address(address) for address in addresses]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a",
        "http://127.1/a",
        "http://2130706433/a",
        "http://0x7f.0.0.1/a",
        "http://017700000001/a",
        "http://[::1]/a",
        "http://[::ffff:127.0.0.1]/a",
        "http://[64:ff9b::7f00:1]/a",
        "http://[2002:7f00:1::]/a",
        "http://0.0.0.0/a",
        "http://10.1.2.3/a",
        "http://172.16.0.1/a",
        "http://192.168.1.1/a",
        "http://100.64.0.1/a",
        "http://169.254.169.254/latest/meta-data",
        "rtsp://user:secret@192.168.1.20:554/live",
        "http://[fe80::1%25eth0]/a",
        "http://[fd00::1]/a",
        "udp://@239.0.0.1:1234",
        "udp://0.0.0.0:1234",
        f"http://{PUBLIC}\\@127.0.0.1/a",
        "http://127.0.0.1\t/a",
        "http:///a",
        "http://[::1",
        "http://host:port/",
        "file:///etc/passwd",
        "concat:http://a.example/|file:///etc/passwd",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "crypto+http://a.example/",
        "data:video/mp4;base64,AA",
        "tcp://127.0.0.1:22",
        "/etc/passwd",
        "",
    ],
)
def test_private_places_and_odd_schemes_are_refused(url: str) -> None:
    with pytest.raises(Forbidden) as caught:
        check_url(url, [], never)
    assert "secret" not in str(caught.value)


def test_public_addresses_and_names_pass() -> None:
    check_url(f"rtsp://{PUBLIC}/live", [], never)
    check_url("http://[2606:4700::1111]/a.m3u8", [], never)
    check_url("https://camera.example/a", [], answers(PUBLIC))  # type: ignore[arg-type]


def test_a_name_with_one_private_address_is_refused_and_the_address_not_told() -> None:
    with pytest.raises(Forbidden) as caught:
        check_url("http://a.example/", [], answers(PUBLIC, "10.9.8.7"))  # type: ignore[arg-type]
    assert "10.9.8.7" not in str(caught.value)
    assert "a.example" in str(caught.value)


def test_a_name_without_address_is_refused() -> None:
    with pytest.raises(Forbidden, match="has no address"):
        check_url("http://nothing.invalid/", [])


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("rtsp://192.168.7.20/live", ["192.168.7.0/24"]),
        ("rtsp://192.168.7.20:8554/live", ["192.168.7.20"]),
        ("rtsp://192.168.7.20:8554/live", ["192.168.7.20:8554"]),
        ("rtsp://Camera.local:554/live", ["camera.local:554"]),
        ("rtsp://camera.local./live", ["camera.local"]),
        ("http://[fd00::5]:80/live", ["fd00::/8"]),
        ("http://[fd00::5]:80/live", ["[fd00::5]:80"]),
    ],
)
def test_an_allow_entry_permits(url: str, allow: list[str]) -> None:
    check_url(url, allow, never)


@pytest.mark.parametrize(
    ("url", "allow"),
    [
        ("rtsp://192.168.8.20/live", ["192.168.7.0/24"]),
        ("rtsp://192.168.7.20:8555/live", ["192.168.7.20:8554"]),
        ("rtsp://192.168.7.20/live", ["file:*", "type:device", "*"]),
    ],
)
def test_an_allow_entry_permits_nothing_else(url: str, allow: list[str]) -> None:
    with pytest.raises(Forbidden):
        check_url(url, allow, never)


def test_sources_that_reach_this_machine() -> None:
    check_source(plugins.source({"type": "whip"}), [], never)
    check_source(plugins.source({"type": "pattern"}), [], never)
    for data in ("clip.mp4", "v4l2:///dev/video0", "srt://example.org:1", "rtp://0.0.0.0:9777"):
        source = plugins.source(data)
        with pytest.raises(Forbidden, match=r"server\.allow"):
            check_source(source, [], never)
        check_source(source, [f"type:{plugins.named(source)}"], never)


def test_options_of_ffmpeg_are_refused() -> None:
    url = plugins.source({"type": "url", "url": f"http://{PUBLIC}/", "options": {"proxy": "x"}})
    with pytest.raises(Forbidden, match="options"):
        check_source(url, [], never)


def test_files_are_judged_by_where_they_really_are(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "link.mp4").symlink_to("/etc/passwd")
    allow = [f"file:{folder.resolve()}/*"]
    check_source(plugins.source(str(folder / "a.mp4")), allow)
    for path in (folder / "link.mp4", folder / ".." / "a.mp4", tmp_path / "a.mp4"):
        with pytest.raises(Forbidden):
            check_source(plugins.source(str(path)), allow)


def test_entries_for_files_may_be_relative_or_lead_through_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "clips")
    monkeypatch.chdir(tmp_path)
    record = plugins.sink({"type": "record", "path": "clips/{stream}.mp4"})
    with pytest.raises(Forbidden) as refused:
        check_sink(record, [])
    named = str(refused.value).partition("an entry ")[2].split("'")[1]
    for entry in (named, "write:clips/*", f"write:{tmp_path}/link/*", "write:*"):
        check_sink(record, [entry])
    for entry in ("write:link", "write:other/*", "write:clips/*/*", "file:*"):
        with pytest.raises(Forbidden):
            check_sink(record, [entry])


def test_models_and_recordings_are_files_too(tmp_path: Path) -> None:
    check_stage(plugins.stage({"type": "detect", "model": "coco-ssd"}), [])
    model = plugins.stage({"type": "detect", "model": str(tmp_path / "own.onnx")})
    with pytest.raises(Forbidden, match="reading"):
        check_stage(model, [])
    check_stage(model, [f"file:{tmp_path.resolve()}/*"])
    record = plugins.sink({"type": "record", "name": "r", "path": str(tmp_path / "out.mp4")})
    with pytest.raises(Forbidden, match="writing"):
        check_sink(record, [f"file:{tmp_path.resolve()}/*"])
    check_sink(record, [f"write:{tmp_path.resolve()}/*"])


def test_every_part_of_a_pipeline_is_checked(tmp_path: Path) -> None:
    record = {"type": "record", "name": "r", "path": str(tmp_path / "out.mp4")}
    for parts in ({"sinks": [record]}, {"stages": [{"type": "detect", "model": "./own.onnx"}]}):
        with pytest.raises(Forbidden):
            check_pipeline(plugins.pipeline({"source": {"type": "pattern"}, **parts}), [])


def test_redirects_are_not_followed_for_the_api() -> None:
    url = plugins.source(f"http://{PUBLIC}/")
    assert getattr(without_redirects(url, []), "redirects", None) == 0
    assert without_redirects(url, ["type:url"]) == url
