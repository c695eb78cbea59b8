"""What streams posted to the HTTP API may reach.

Whoever can post a source URL makes this server connect to it. So the API refuses
private, loopback and link-local networks, files, devices and ffmpeg's own sources,
unless an entry of `server.allow` matches:

    192.168.7.0/24            addresses
    camera.local              a host, on any port
    camera.local:554          a host, on one port
    file:/srv/clips/*         files to read: sources and models
    write:/srv/recordings/*   files to write: sinks
    type:device               everything of a source's or sink's type

The configuration file is trusted and not checked. HTTP redirects are not followed for what
comes from the API. What remains: a name is resolved here and again when the source opens,
and an HLS playlist or an RTSP server may name other hosts. Who fears that keeps the API
behind a token, and this machine behind a firewall.
"""

import fnmatch
import ipaddress
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from livelens.errors import Forbidden
from livelens.plugins import named
from livelens.spec import PipelineSpec, SinkSpec, SourceSpec, StageSpec

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], list[Address]]

# Types whose settings this module can judge; all others need a `type:` entry.
_HARMLESS = frozenset({"whip", "pattern", "sample", "whep"})
_URL_SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp"})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def resolve(host: str) -> list[Address]:
    """All addresses of a host; blocks.

    Raises:
        Forbidden: it has none: what cannot be judged is not allowed.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Forbidden(f"the host {host!r} has no address") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def check_pipeline(spec: PipelineSpec, allow: Sequence[str], resolve: Resolve = resolve) -> None:
    """Refuse what an unknown client must not make this server do. Blocks while resolving.

    Raises:
        Forbidden: names what is refused and which entry of `allow` would permit it.
    """
    check_source(spec.source, allow, resolve)
    for stage in spec.stages:
        check_stage(stage, allow)
    for sink in spec.sinks:
        check_sink(sink, allow)
        if sink.overlay is not None:
            check_stage(sink.overlay, allow)


def check_source(spec: SourceSpec, allow: Sequence[str], resolve: Resolve = resolve) -> None:
    """As `check_pipeline`, for a source."""
    kind = named(spec)
    if kind in _HARMLESS or f"type:{kind}" in allow:
        return
    if kind == "file":
        _check_path(str(getattr(spec, "path", "")), "file", allow)
    elif kind == "upload":
        if getattr(spec, "folder", None) is not None:
            raise Forbidden(_refusal("another folder of uploads", "type:upload"))
    elif kind == "url":
        if getattr(spec, "options", None):
            raise Forbidden(_refusal("options of FFmpeg", "type:url"))
        check_url(str(getattr(spec, "url", "")), allow, resolve)
    else:
        raise Forbidden(_refusal(f"the source {kind!r}", f"type:{kind}"))


def check_url(url: str, allow: Sequence[str], resolve: Resolve = resolve) -> None:
    """Refuse a URL that is not one of the open internet's.

    Raises:
        Forbidden: it is not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Forbidden("the URL is malformed") from None
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise Forbidden("the URL holds characters that parsers read in different ways")
    if parts.scheme not in _URL_SCHEMES:  # concat:, subfile:, crypto+http: and their like
        raise Forbidden(f"URLs of the scheme {parts.scheme!r} are not allowed from the API")
    if not host:
        raise Forbidden(_refusal("a URL without a host", "type:url"))
    if _host_allowed(host, port, allow):
        return
    networks = list(_networks(allow))
    for address in _literal(host) or resolve(host):
        if not is_public(address) and not any(address in network for network in networks):
            # The address is not told: it would map the network for whoever asks.
            raise Forbidden(_refusal(f"{host!r}, which is not on the public internet,", host))


def without_redirects(spec: SourceSpec, allow: Sequence[str]) -> SourceSpec:
    """The source as it may run: an HTTP server must not send us where we may not go."""
    if named(spec) != "url" or "type:url" in allow or not hasattr(spec, "redirects"):
        return spec
    return msgspec.structs.replace(spec, redirects=0)


def is_public(address: Address) -> bool:
    """Whether an address is reached over the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def check_stage(spec: StageSpec, allow: Sequence[str]) -> None:
    """Refuse a stage that reads a file nobody allowed. Raises Forbidden."""
    if f"type:{named(spec)}" in allow:
        return
    for field in msgspec.structs.fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, str) and (field.name == "path" or _looks_like_path(value)):
            _check_path(value, "file", allow)


def check_sink(spec: SinkSpec, allow: Sequence[str]) -> None:
    """Refuse a sink that writes where nobody allowed it. Raises Forbidden."""
    kind = named(spec)
    if kind in _HARMLESS or f"type:{kind}" in allow:
        return
    path = getattr(spec, "path", None)
    if not isinstance(path, str):
        raise Forbidden(_refusal(f"the sink {kind!r}", f"type:{kind}"))
    _check_path(path, "write", allow)


def _check_path(path: str, verb: str, allow: Sequence[str]) -> None:
    # Links are followed first, so that none leads out of an allowed folder.
    real = os.path.realpath(Path(path).expanduser())
    entries = [entry.partition(":")[2] for entry in allow if entry.startswith(f"{verb}:")]
    patterns = [_real_pattern(entry) for entry in entries]
    if not any(fnmatch.fnmatchcase(real, pattern) for pattern in patterns):
        doing = "reading" if verb == "file" else "writing"
        raise Forbidden(_refusal(f"{doing} the file {path!r}", f"{verb}:{path}"))


def _real_pattern(entry: str) -> str:
    """The entry with `~`, relative folders and links resolved, as far as it has no wildcards."""
    parts = Path(entry).expanduser().parts
    fixed = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    if fixed == 0:
        return entry  # `file:*` is every file
    return os.path.join(os.path.realpath(Path(*parts[:fixed])), *parts[fixed:])


def _looks_like_path(value: str) -> bool:
    return "/" in value or "\\" in value or value.startswith((".", "~")) or value.endswith(".onnx")


def _refusal(what: str, entry: str) -> str:
    return f"{what} is not allowed from the API; an entry {entry!r} in server.allow would allow it"


def _host_allowed(host: str, port: int | None, allow: Iterable[str]) -> bool:
    names = {host.lower().rstrip(".")}
    if port is not None:
        names |= {f"{name}:{port}" for name in names} | {f"[{name}]:{port}" for name in names}
    return any(entry.lower() in names for entry in allow)


def _literal(host: str) -> list[Address]:
    """The address that the host is written as, in any way that the system's calls understand."""
    try:
        return [ipaddress.ip_address(host.partition("%")[0])]
    except ValueError:
        pass
    try:  # 127.1, 0x7f000001, 017700000001 and 2130706433 are all 127.0.0.1
        return [ipaddress.IPv4Address(socket.inet_aton(host))]
    except OSError:
        return []


def _networks(
    allow: Iterable[str],
) -> Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for entry in allow:
        try:
            yield ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue
