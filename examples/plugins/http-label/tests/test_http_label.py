"""What the descriptor does with a service that is good, wrong, slow or away."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from livelens import Crop, Frame

from http_label import HttpLabel

Answer = Callable[[bytes], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Starts a service that answers by a function; gives its URL."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/label"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def crop(brightness: int = 128) -> Crop:
    return Crop(Frame.of(np.full((64, 64, 3), brightness, np.uint8)), (8.0, 8.0, 56.0, 56.0))


def test_answers_follow_their_objects(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda jpeg: json.dumps({"label": str(len(jpeg)), "score": 0.5}).encode())
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    worker = HttpLabel(url=url, deadline_s=5).open()
    flat, rich = worker.describe([crop(), Crop(Frame.of(noise), (8.0, 8.0, 56.0, 56.0))])
    worker.close()
    assert int(str(rich["label"].value)) > int(str(flat["label"].value))
    assert flat["label"].score == 0.5


def test_what_is_late_is_left_out_and_counted(serve: Callable[[Answer], str]) -> None:
    may_answer = threading.Event()

    def slow(_: bytes) -> bytes:
        may_answer.wait(20)
        return b'{"label": "late"}'

    worker = HttpLabel(url=serve(slow), deadline_s=0.1, in_flight=2).open()
    assert worker.describe([crop()] * 5) == [{}] * 5
    assert worker.late + worker.failed >= 5
    may_answer.set()
    worker.close()


@pytest.mark.parametrize("answer", [b"no JSON", b"[]", b"{}", b'{"label": "a", "score": "b"}'])
def test_a_wrong_answer_is_nothing(serve: Callable[[Answer], str], answer: bytes) -> None:
    worker = HttpLabel(url=serve(lambda _: answer), deadline_s=5).open()
    assert worker.describe([crop()]) == [{}]
    assert worker.failed == 1
    worker.close()


def test_a_service_that_is_away_is_nothing() -> None:
    worker = HttpLabel(url="http://127.0.0.1:9/label", deadline_s=5).open()
    assert worker.describe([crop()]) == [{}]
    assert worker.failed == 1
    worker.close()
