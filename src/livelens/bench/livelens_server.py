"""`livelens serve` as the benches start it: a configuration file, its own process and core."""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from livelens.bench.hosted import Hosted, hosted
from livelens.bench.link import Link
from livelens.bench.report import CannotMeasure

PORT = 8080
TOKEN = "of-a-server-that-lives-a-minute"
_SERVE = "from livelens.cli import main; main()"


@contextmanager
def serving(
    link: Link,
    config: Mapping[str, object],
    *,
    folder: Path,
    cores: Sequence[int],
    timeout_s: float = 60.0,
) -> Iterator[Hosted]:
    """Livelens with this configuration (but for `server`), ready to serve.

    Raises:
        CannotMeasure: it does not start or refuses the configuration.
    """
    limits = {"max_viewers": 200, "max_streams": 32, "requests_per_s": 500}
    # In plain HTTP as all that it is compared with; media are encrypted in any case.
    server = {"host": link.host, "port": PORT, "token": TOKEN, "tls": "off", "limits": limits}
    path = folder / "livelens.yaml"
    path.write_text(yaml.safe_dump({"server": server, **config}), encoding="utf-8")
    command = [sys.executable, "-c", _SERVE, "serve", "--config", str(path)]
    with hosted(
        link, command, port=PORT, log=folder / "server.log", cores=cores, timeout_s=timeout_s
    ) as running:
        _wait_until_ready(running, timeout_s)
        yield running


def _wait_until_ready(server: Hosted, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    reason = ""
    while time.monotonic() < until and server.alive():
        try:
            with urllib.request.urlopen(server.url + "/healthz", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = str(error)
        time.sleep(0.1)
    raise CannotMeasure(f"livelens serve does not answer: {reason} {server.tail()}")
