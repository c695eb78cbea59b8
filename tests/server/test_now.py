"""What time it is at the server."""

from livelens.clock import wall_ns
from tests.server.running import running


def test_the_time_is_that_of_the_answer() -> None:
    with running() as server:
        before_ns = wall_ns()
        told_ns = server.http.get("/api/time").json()["unix_ns"]
        assert before_ns <= told_ns <= wall_ns()
        caching = server.http.get("/api/time").headers.get("cache-control", "")
        assert "no-store" in caching
