"""A real server on a free port of 127.0.0.1, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from livelens.server.app import create_app
from livelens.server.config import ServerConfig, read_config
from livelens.server.run import Server, _runner
from livelens.server.state import ServerState

T = TypeVar("T")

PATTERN = {"type": "pattern", "width_px": 192, "height_px": 108, "fps": 30}
LOCAL_RTC = {"bind_hosts": ["127.0.0.1"]}


def until(condition: Callable[[], T], timeout_s: float = 20.0) -> T:
    """Wait for a condition to hold, and return what it returned."""
    pause = threading.Event()
    deadline = threading.Timer(timeout_s, pause.set)
    deadline.daemon = True
    deadline.start()
    try:
        while not (value := condition()):
            assert not pause.wait(0.02), f"not within {timeout_s} s"
        return value
    finally:
        deadline.cancel()


async def eventually(condition: Callable[[], T], timeout_s: float = 20.0) -> T:
    """`until`, while the event loop of the test goes on."""
    return await asyncio.to_thread(until, condition, timeout_s)


class Running:
    """A running server, seen from outside (`http`) and inside (`state`)."""

    def __init__(self, config: ServerConfig) -> None:
        self.app = create_app(config)
        self.state: ServerState = self.app.state.server
        self.server = Server(self.app, config.server)
        self.url = self.server.url.rstrip("/")
        self.http = httpx.Client(base_url=self.url, timeout=20)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="server under test", daemon=True)
        self._thread.start()
        until(lambda: self.state.streams.ready)

    def inside(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's event loop."""
        assert self.loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def stop(self, timeout_s: float = 15.0) -> None:
        self.server.should_exit = True
        self._thread.join(timeout_s)
        self.http.close()
        assert not self._thread.is_alive(), "the server does not stop"

    def _run(self) -> None:
        with _runner() as runner:
            self.loop = runner.get_loop()
            runner.run(self.server.run_here())


@contextmanager
def running(data: dict[str, Any] | None = None, **server: Any) -> Iterator[Running]:
    """A server with this configuration; `server` adds to its section of that name.

    Whoever asks over loopback is its administrator, unless `access` says otherwise. Nothing is
    recorded unless `recordings` says where: into no folder of who runs the tests.
    """
    fields: dict[str, Any] = {
        "webrtc": LOCAL_RTC,
        "recordings": {"enabled": False},
        **(data or {}),
    }
    fields["access"] = {"trust_loopback": True, **fields.get("access", {})}
    fields["server"] = {"port": 0, **fields.get("server", {}), **server}
    one = Running(read_config(fields))
    try:
        yield one
    finally:
        one.stop()
