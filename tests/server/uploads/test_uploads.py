"""Clips over HTTP."""

import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from livelens.server.uploads import folder as upload_folder
from livelens.sources.upload import Upload, is_upload_name, upload_name
from tests.server.running import Running, running, until
from tests.sources.parts import write_clip

MOST = 3_000_000


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("made") / "clip.mp4"
    write_clip(file, frames=20)
    return file.read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    uploads = {"folder": str(folder), "max_bytes": MOST, "max_total_bytes": 2 * MOST}
    with running({"uploads": uploads}) as one:
        yield one


def lying(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir()) if folder.exists() else []


def test_upload_play_and_delete(server: Running, folder: Path, clip: bytes) -> None:
    made = server.http.put("/api/uploads/street.mp4", content=clip)
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["name"] == "street.mp4"
    assert told["source"] == "upload://street.mp4"
    assert told["size_bytes"] == len(clip)
    assert told["duration_s"] > 0
    assert told["codec"] == "h264"
    assert made.headers["location"] == "/api/uploads/street.mp4"
    assert (folder / "street.mp4").read_bytes() == clip

    body = {"id": "street", "source": {"type": "upload", "name": "street.mp4", "loop": True},
            "stages": []}  # fmt: skip
    assert server.http.post("/api/streams", json=body).status_code == 201

    def played() -> dict[str, Any]:
        info: dict[str, Any] = server.http.get("/api/streams/street").json()
        return info if info["captured"] > 30 else {}

    info = until(played)  # more than the clip holds: it loops
    assert info["source"] == {"type": "upload", "label": "upload://street.mp4"}
    assert info["spec"]["source"] == {"type": "upload", "name": "street.mp4", "loop": True}
    assert str(folder) not in server.http.get("/api/streams").text
    [listed] = server.http.get("/api/uploads").json()["uploads"]
    assert listed == {**told, "streams": ["street"]}
    refused = server.http.delete("/api/uploads/street.mp4")
    assert refused.status_code == 409
    assert "'street'" in refused.json()["error"]
    assert server.http.delete("/api/streams/street").status_code == 204
    assert server.http.delete("/api/uploads/street.mp4").status_code == 204
    assert server.http.delete("/api/uploads/street.mp4").status_code == 404
    assert lying(folder) == []


def test_a_url_is_enough(server: Running, clip: bytes) -> None:
    made = server.http.put("/api/uploads/my clip (1).mp4", content=clip).json()
    assert made["source"] == "upload://my%20clip%20%281%29.mp4"
    body = {"id": "one", "source": made["source"], "stages": []}
    assert server.http.post("/api/streams", json=body).status_code == 201
    until(lambda: server.http.get("/api/streams/one").json()["state"] == "ended")
    assert server.http.get("/api/streams/one").json()["captured"] == 20
    gone = {"id": "two", "source": "upload://gone.mp4", "stages": []}
    refused = server.http.post("/api/streams", json=gone)
    assert refused.status_code == 422
    assert "there is no upload 'gone.mp4'" in refused.json()["error"]


def test_nothing_is_overwritten(server: Running, folder: Path, clip: bytes) -> None:
    names = [server.http.put("/api/uploads/a.mp4", content=clip).json()["name"] for _ in range(3)]
    assert names == ["a.mp4", "a-2.mp4", "a-3.mp4"]
    assert lying(folder) == ["a-2.mp4", "a-3.mp4", "a.mp4"]


def test_a_clip_comes_in_chunks_without_a_length(
    server: Running, folder: Path, clip: bytes
) -> None:
    def parts() -> Iterator[bytes]:
        for begin in range(0, len(clip), 1000):
            yield clip[begin : begin + 1000]

    made = server.http.put("/api/uploads/chunks.mp4", content=parts())
    assert made.status_code == 201, made.text
    assert (folder / "chunks.mp4").read_bytes() == clip


def test_two_gigabytes_are_refused_before_they_come(server: Running, folder: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sending:
        sending.sendall(
            b"PUT /api/uploads/long.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: 2147483648\r\n\r\n" + bytes(100_000)
        )
        answer = sending.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the body is larger than 3000000 bytes" in answer
    assert lying(folder) == []


def test_without_a_length_it_ends_at_the_limit(server: Running, folder: Path) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2 * MOST // 10_000):
            yield bytes(10_000)

    refused = server.http.put("/api/uploads/long.mp4", content=endless())
    assert refused.status_code == 413
    assert "larger than 3000000 bytes" in refused.json()["error"]
    until(lambda: lying(folder) == [])


@pytest.mark.parametrize("content", [b"", b"no video" * 500, b"\x00" * 5000, b"<html></html>"])
def test_what_is_no_video_is_not_kept(server: Running, folder: Path, content: bytes) -> None:
    refused = server.http.put("/api/uploads/text.mp4", content=content)
    assert refused.status_code == 422, refused.text
    assert "\n" not in refused.json()["error"]
    assert str(folder) not in refused.text
    assert lying(folder) == []


def test_a_picture_is_no_video(server: Running, folder: Path) -> None:
    _, png = cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))
    refused = server.http.put("/api/uploads/picture.png", content=png.tobytes())
    assert refused.status_code == 422
    assert "picture" in refused.json()["error"]
    assert lying(folder) == []


def test_a_clip_that_is_cut_off_is_not_kept(server: Running, folder: Path, clip: bytes) -> None:
    refused = server.http.put("/api/uploads/half.mp4", content=clip[: len(clip) // 2])
    assert refused.status_code == 422
    assert "half.mp4: not a video, or one whose end is cut off" in refused.json()["error"]
    assert lying(folder) == []


def test_who_breaks_off_leaves_nothing(server: Running, folder: Path, clip: bytes) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sending:
        sending.sendall(
            b"PUT /api/uploads/half.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: %d\r\n\r\n" % len(clip) + clip[:1000]
        )
        until(lambda: lying(folder))
    until(lambda: lying(folder) == [])
    assert server.http.put("/api/uploads/half.mp4", content=clip).status_code == 201


def test_a_server_that_stops_leaves_nothing(folder: Path, clip: bytes) -> None:
    with running({"uploads": {"folder": str(folder)}}) as one:
        port = int(one.url.rpartition(":")[2])
        sending = socket.create_connection(("127.0.0.1", port), timeout=20)
        sending.sendall(
            b"PUT /api/uploads/half.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: %d\r\n\r\n" % len(clip) + clip[:1000]
        )
        until(lambda: lying(folder))
    answer = sending.makefile("rb").read()
    sending.close()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"about to stop" in answer
    assert lying(folder) == []


def test_few_come_at_once(server: Running, folder: Path, clip: bytes) -> None:
    port = int(server.url.rpartition(":")[2])
    slow = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(4)]
    for number, each in enumerate(slow):
        each.sendall(
            b"PUT /api/uploads/%d.mp4 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: %d\r\n\r\n" % (number, len(clip)) + clip[:1000]
        )
    until(lambda: len(lying(folder)) == 4)
    refused = server.http.put("/api/uploads/more.mp4", content=clip)
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    for each in slow:
        each.sendall(clip[1000:])
        assert each.recv(100).startswith(b"HTTP/1.1 201 ")
        each.close()
    assert lying(folder) == ["0.mp4", "1.mp4", "2.mp4", "3.mp4"]
    with ThreadPoolExecutor(4) as pool:
        same = pool.map(lambda _: httpx.put(f"{server.url}/api/uploads/s.mp4", content=clip),
                        range(4))  # fmt: skip
        names = sorted(each.json()["name"] for each in same)
    assert names == ["s-2.mp4", "s-3.mp4", "s-4.mp4", "s.mp4"]


def test_all_together_have_a_limit(folder: Path, clip: bytes) -> None:
    uploads = {"folder": str(folder), "max_total_bytes": len(clip) + 10}
    with running({"uploads": uploads}) as one:
        assert one.http.put("/api/uploads/a.mp4", content=clip).status_code == 201
        assert one.http.get("/api/uploads").json()["free_bytes"] == 10
        for content in (clip, iter([clip])):  # with a length, and without
            full = one.http.put("/api/uploads/b.mp4", content=content)
            assert full.status_code == 507, full.text
            assert "uploads.max_total_bytes" in full.json()["error"]
        assert lying(folder) == ["a.mp4"]
        assert one.http.delete("/api/uploads/a.mp4").status_code == 204
        assert one.http.put("/api/uploads/b.mp4", content=clip).status_code == 201


def test_a_full_disk_is_told(
    server: Running, folder: Path, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(upload_folder, "_SPARE_BYTES", 1 << 60)
        full = server.http.put("/api/uploads/a.mp4", content=clip)
    assert full.status_code == 507
    assert full.json()["error"] == "the server's disk is full"
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    broken = server.http.put("/api/uploads/a.mp4", content=clip)
    assert broken.status_code == 507
    assert "cannot be written" in broken.json()["error"]
    folder.unlink()


def test_they_can_be_switched_off(clip: bytes) -> None:
    with running({"uploads": {"enabled": False}}) as one:
        for response in (
            one.http.get("/api/uploads"),
            one.http.put("/api/uploads/a.mp4", content=clip),
            one.http.delete("/api/uploads/a.mp4"),
        ):
            assert response.status_code == 403
            assert "uploads are off" in response.json()["error"]
        assert one.http.get("/api/server").json()["features"]["uploads"] is False


def test_what_a_killed_server_left_behind_is_swept(folder: Path) -> None:
    folder.mkdir()
    for name, age_s in ((".old.part", 5000), (".new.part", 0)):
        (folder / name).write_text("half")
        then = (folder / name).stat().st_mtime - age_s
        os.utime(folder / name, (then, then))
    with running({"uploads": {"folder": str(folder)}}):
        assert lying(folder) == [".new.part"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("street.mp4", "street.mp4"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        (".hidden.mp4", "hidden.mp4"),
        ("거리 영상.mp4", "거리 영상.mp4"),
        ("a\x00b\nc.mp4", "a-b-c.mp4"),
        ("<script>.mp4", "script-.mp4"),
        ("", "clip"),
        ("...", "clip"),
        ("x" * 500 + ".mp4", "x" * 196 + ".mp4"),
    ],
)
def test_names(asked: str, name: str) -> None:
    assert upload_name(asked) == name
    assert is_upload_name(name)


def test_names_that_lead_elsewhere(server: Running, folder: Path, clip: bytes) -> None:
    made = server.http.put("/api/uploads/..%2F..%2Fout.mp4", content=clip)
    assert made.status_code in (201, 404, 405)
    assert lying(folder) in ([], ["out.mp4"])
    assert not (folder.parent / "out.mp4").exists()
    for name in ("../x", "a/b", ".part", "", "a\x00", "-x"):
        assert not is_upload_name(name)
        with pytest.raises(ValueError, match="no name of an upload"):
            Upload(name=name)
    # A link that somebody put there.
    (folder.parent / "secret.mp4").write_bytes(clip)
    folder.mkdir(exist_ok=True)
    (folder / "link.mp4").symlink_to(folder.parent / "secret.mp4")
    assert all(each["name"] != "link.mp4"
               for each in server.http.get("/api/uploads").json()["uploads"])  # fmt: skip
    body = {"id": "link", "source": "upload://link.mp4", "stages": []}
    if server.http.post("/api/streams", json=body).status_code == 201:
        until(lambda: server.http.get("/api/streams/link").json()["state"] == "reconnecting")
        assert server.http.get("/api/streams/link").json()["captured"] == 0


def test_the_folder_is_the_servers_to_choose(server: Running, folder: Path, clip: bytes) -> None:
    (folder.parent / "out.mp4").write_bytes(clip)
    source = {"type": "upload", "name": "out.mp4", "folder": str(folder.parent)}
    body = {"id": "out", "source": source, "stages": []}
    assert server.http.post("/api/streams", json=body).status_code == 403
    assert stat.S_ISREG((folder.parent / "out.mp4").stat().st_mode)


def test_an_upload_ends_with_the_right_to_it(folder: Path) -> None:
    admin = {"Authorization": "Bearer correct-horse-battery-staple"}
    access = {"trust_loopback": False, "password": "open, lens"}
    config = {"access": access, "uploads": {"folder": str(folder)}}
    with running(config, token="correct-horse-battery-staple") as one:
        body = {"grants": [{"stream": "*", "actions": ["control"]}]}
        made = one.http.post("/api/tokens", json=body, headers=admin).json()

        def parts() -> Iterator[bytes]:
            yield b"\0" * 65_536
            until(lambda: lying(folder))
            revoked = httpx.delete(f"{one.url}/api/tokens/{made['info']['id']}", headers=admin)
            assert revoked.status_code == 204
            until(lambda: not lying(folder))

        shown = {"Authorization": f"Bearer {made['token']}"}
        response = one.http.put("/api/uploads/clip.mp4", content=parts(), headers=shown)
        assert response.status_code == 401
        assert "has ended" in response.json()["error"]
