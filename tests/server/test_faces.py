"""Faces over HTTP: off by default, and careful with what strangers send."""

import itertools
import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from livelens.errors import ConfigError
from livelens.server.config import configured_stream, read_config, with_gallery
from livelens.stages.describe.identity import Identity
from tests.faces.photographs import encoded, photograph, several_faces

from .running import Running, running

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faces")


@pytest.fixture(scope="module")
def one(folder: Path) -> Iterator[Running]:
    settings = {"enabled": True, "gallery": str(folder / "faces.json")}
    limits = {"max_body_bytes": 4096, "requests_per_s": 1000}
    with running({"faces": settings}, limits=limits) as server:
        yield server


def post(server: Running, name: str, data: bytes, **headers: str) -> httpx.Response:
    kind = {"Content-Type": headers.get("kind", "image/jpeg")}
    return server.http.post(f"/api/faces/{name}", content=data, headers=kind)


def listed(server: Running) -> dict[str, Any]:
    return {face["name"]: face for face in server.http.get("/api/faces").json()["faces"]}


def error(response: httpx.Response) -> str:
    text: str = response.json()["error"]
    assert "\n" not in text
    return text


def test_it_is_off_unless_switched_on() -> None:
    with running() as server:
        for answer in (
            server.http.get("/api/faces"),
            server.http.post("/api/faces/Anna", content=b"x", headers=JPEG),
            server.http.delete("/api/faces/Anna"),
            server.http.post(
                "/api/streams",
                json={"id": "a", "source": "pattern://", "stages": ["detect", "track", "identity"]},
            ),
        ):
            assert answer.status_code == 403
            assert "`faces: {enabled: true}`" in error(answer)
        server.http.post("/api/streams", json={"id": "a", "source": "pattern://"})
        patched = server.http.patch(
            "/api/streams/a", json={"stages": ["detect", "track", "identity"]}
        )
        assert patched.status_code == 403


def test_enroll_list_and_remove(one: Running, folder: Path) -> None:
    answer = post(one, "Anna", encoded(photograph(8, 1)))
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["pictures"]) == ("Anna", 1)
    png = post(one, "Anna", encoded(photograph(8, 2), ".png"), kind="image/png")
    assert png.json()["pictures"] == 2
    assert post(one, "J%C3%B6rg%20O'Neil", encoded(photograph(10, 1))).status_code == 201
    assert {name: face["pictures"] for name, face in listed(one).items()} == {
        "Anna": 2,
        "Jörg O'Neil": 1,
    }
    assert stat.S_IMODE((folder / "faces.json").stat().st_mode) == 0o600
    assert one.http.delete("/api/faces/J%C3%B6rg%20O'Neil").status_code == 204
    assert one.http.delete("/api/faces/Anna").status_code == 204
    gone = one.http.delete("/api/faces/Anna")
    assert (gone.status_code, "nobody is called 'Anna'" in error(gone)) == (404, True)
    assert listed(one) == {}


def test_pictures_that_do_not_serve(one: Running) -> None:
    group = several_faces().read_bytes()
    for data, says in (
        (b"", "the picture: empty file"),
        (b"hello", "the picture: not a JPEG or PNG"),
        (b"\xff\xd8\xff\xe0", "the picture: not a JPEG or PNG"),
        (encoded(np.zeros((100, 100, 3), np.uint8)), "no face in the picture"),
        (group, "5 faces in the picture: crop to one"),
        (encoded(photograph(8, 1))[:300], "no picture that can be read"),
    ):
        answer = post(one, "Anna", data)
        assert (answer.status_code, says in error(answer)) == (422, True), (says, answer.text)
    assert listed(one) == {}


def test_a_picture_may_be_larger_than_other_bodies_but_not_without_end(one: Running) -> None:
    limit = one.state.config.faces.max_picture_bytes
    assert post(one, "Anna", bytes(limit + 1)).status_code == 413
    assert "not a JPEG" in error(post(one, "Anna", bytes(100_000)))
    stream = one.http.post("/api/streams", json={"id": "x" * 5000})
    assert stream.status_code == 413


def test_a_bomb_is_refused_before_it_is_decoded(one: Running) -> None:
    data = bytearray(encoded(photograph(8, 1)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xf0\x00\xf0\x00"
    answer = post(one, "Anna", bytes(data))
    assert (answer.status_code, "more than 50 million" in error(answer)) == (422, True)


@pytest.mark.parametrize("name", ["unknown", "-x", "a%00b", "a%0Ab", "x" * 65, "%20", "a%2Fb"])
def test_what_is_no_name(one: Running, name: str) -> None:
    answer = post(one, name, encoded(photograph(8, 1)))
    assert answer.status_code in (400, 404, 405)
    assert error(answer)


def test_other_types_of_body(one: Running) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x", "image/svg+xml"):
        assert post(one, "Anna", b"{}", kind=kind).status_code == 415


def test_a_damaged_gallery_is_told_and_the_server_lives(one: Running, folder: Path) -> None:
    file = folder / "faces.json"
    file.write_text("nonsense")
    for answer in (one.http.get("/api/faces"), post(one, "Anna", encoded(photograph(8, 1)))):
        assert answer.status_code == 422
        assert "is no gallery, or is damaged" in error(answer)
    assert file.read_text() == "nonsense"
    file.unlink()
    assert one.http.get("/api/faces").status_code == 200


def test_many_at_once_are_served_or_told_to_come_again(one: Running) -> None:
    data = encoded(photograph(8, 1))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: post(one, "Anna", data), range(24)))
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert any(answer.status_code == 201 for answer in answers)
    assert all("Retry-After" in a.headers for a in answers if a.status_code == 503)
    assert listed(one)["Anna"]["pictures"] == 1
    one.http.delete("/api/faces/Anna")


def test_it_wants_the_token(folder: Path) -> None:
    settings = {"enabled": True, "gallery": str(folder / "other.json")}
    access = {"trust_loopback": False}
    with running({"faces": settings, "access": access}, token="0123456789abcdef") as server:
        assert server.http.get("/api/faces").status_code == 401
        key = {"Authorization": "Bearer 0123456789abcdef"}
        assert server.http.get("/api/faces", headers=key).status_code == 200


def test_it_is_in_the_openapi_document(one: Running) -> None:
    paths = one.http.get("/openapi.json").json()["paths"]
    assert set(paths["/api/faces/{name}"]) == {"post", "delete"}
    assert "image/jpeg" in paths["/api/faces/{name}"]["post"]["requestBody"]["content"]


def test_streams_use_the_servers_gallery(folder: Path) -> None:
    file = str(folder / "faces.json")
    stages = ["detect", "track", "identity", {"type": "identity", "name": "b", "gallery": "own"}]
    data = {"faces": {"enabled": True, "gallery": file}, "presets": {"door": {"stages": stages}}}
    config = read_config({**data, "streams": {"door": {"source": "pattern://", "preset": "door"}}})
    spec = with_gallery(config, configured_stream(config, "door"))
    found = [stage.gallery for stage in spec.stages if isinstance(stage, Identity)]
    assert found == [file, "own"]
    assert with_gallery(read_config({}), configured_stream(config, "door")) != spec
    with pytest.raises(ConfigError, match="faces"):
        read_config({"faces": {"on": True}})


def test_a_stream_from_the_api_knows_who_is_enrolled_until_he_is_removed(
    one: Running, folder: Path
) -> None:
    picture = np.full((240, 320, 3), 70, np.uint8)
    face = np.asarray(cv2.resize(photograph(8, 5), None, fx=2, fy=2), np.uint8)
    picture[8 : 8 + face.shape[0], 60 : 60 + face.shape[1]] = face
    clip = folder / "anna.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    for _ in range(40):
        writer.write(picture)
    writer.release()
    one.state.config.server.allow.append(f"file:{clip}")
    identity = {"type": "identity", "refresh_s": 0.1, "window_s": 0.5, "threads": 1}
    body = {
        "id": "door",
        "source": {"type": "file", "path": str(clip), "loop": True},
        "stages": [{"type": "detect", "model": "face-blaze", "threads": 1}, "track", identity],
    }
    assert one.http.post("/api/streams", json=body).status_code == 201
    assert told(one, "unknown")
    assert post(one, "Anna", encoded(photograph(8, 1))).status_code == 201
    assert told(one, "Anna")
    assert one.http.delete("/api/faces/Anna").status_code == 204
    assert told(one, "unknown")
    assert one.http.delete("/api/streams/door").status_code == 204


def told(server: Running, name: str) -> bool:
    """Whether the results of the stream `door` come to call somebody so within 300 frames."""
    with server.http.stream("GET", "/api/streams/door/results", timeout=20) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data:"))
        for line in itertools.islice(lines, 300):
            for seen in json.loads(line[5:]).get("objects", []):
                if seen.get("attributes", {}).get("identity", {}).get("value") == name:
                    return True
    return False
