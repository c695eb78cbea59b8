"""Where the server and its clients meet: two network namespaces joined by a cable, or loopback.

aiortc-based servers offer no candidate on 127.0.0.1, so peers can only be measured across
namespaces, which need root.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from livelens.bench.report import CannotMeasure


@dataclass(frozen=True, slots=True)
class Link:
    """The way from the clients (this process's own network) to the server.

    Attributes:
        kind: "veth" or "loopback".
        host: the server's address, as clients see it.
        prefix: what to put before a command to run it on the server's side.
    """

    kind: str
    host: str
    prefix: tuple[str, ...] = ()


def namespaces_possible() -> bool:
    """Whether this process may make network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def server_link(*, loopback: bool = False) -> Iterator[Link]:
    """A namespace for the server, reachable from here, removed at the end.

    Raises:
        CannotMeasure: namespaces are not possible and loopback was not asked for.
    """
    if loopback:
        yield Link("loopback", "127.0.0.1")
        return
    if not namespaces_possible():
        raise CannotMeasure(
            "network namespaces need root and the `ip` command (Debian package iproute2); "
            "without them only `--no-peers` can run, over loopback"
        )
    # Process ids keep two benches on one machine apart, in names and in addresses.
    token = os.getpid() % 16000
    name, near, far = f"llb{token}", f"llb{token}a", f"llb{token}b"
    subnet = f"10.{200 + token // 8000}.{token % 8000 // 64}.{token % 64 * 4}"
    base, last = subnet.rsplit(".", 1)
    here, there = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "addr", "add", f"{there}/30", "dev", far)
        _ip("-n", name, "link", "set", far, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Link("veth", there, ("ip", "netns", "exec", name))
    finally:
        subprocess.run(["ip", "link", "del", near], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError as error:
        raise CannotMeasure(f"ip {' '.join(arguments)}: {error.stderr.strip()}") from error
