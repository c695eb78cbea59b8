"""URLs that FFmpeg's libraries open by themselves: RTSP, RTMP, HTTP, MPEG-TS over UDP."""

import socket
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, Literal
from urllib.parse import urlsplit

import av
import msgspec
from av.container import InputContainer

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError, SourceError
from livelens.sources.pace import Pacer
from livelens.sources.reading import FORMATS, ContainerReader, ReadCounts, reason
from livelens.spec import SourceSpec, redacted
from livelens.types import Captured

SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp"})
_WEB: Final = frozenset({"http", "https"})
_FILES: Final = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".flv")
)
# What a playlist or a redirect may lead to: never files of this machine.
_PROTOCOLS: Final = (
    "rtp,srtp,rtsp,rtmp,rtmps,rtmpt,rtmpts,http,https,httpproxy,tcp,tls,udp,crypto,data"
)


class Url(SourceSpec, frozen=True, kw_only=True):
    """A stream or file behind a URL.

    Attributes:
        url: rtsp, rtsps, rtmp, rtmps, http, https (MJPEG, HLS, files) or udp (MPEG-TS).
        kind: a `file` is read to its end without loss, a `live` stream is never
            expected to end. `auto`: http URLs that end like a video file's name are files.
        transport: of RTSP.
        open_timeout_s: until the stream is known.
        read_timeout_s: longest silence before the stream counts as broken.
        redirects: how many HTTP redirects are followed.
        options: further options of FFmpeg's demuxer or protocol, by name.
    """

    url: str
    kind: Literal["auto", "live", "file"] = "auto"
    transport: Literal["tcp", "udp", "udp_multicast", "http"] = "tcp"
    open_timeout_s: float = 5.0
    read_timeout_s: float = 5.0
    redirects: int = 8
    options: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            # The port is parsed when it is asked for.
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError("the URL is malformed") from None
        if parts.scheme not in SCHEMES:
            known = ", ".join(sorted(SCHEMES))
            raise ValueError(f"{parts.scheme or 'no scheme'!r} is none of {known}")
        if not host and parts.scheme != "udp":
            raise ValueError(f"{redacted(self.url)} names no host")
        if "\0" in self.url:
            raise ValueError("the URL is malformed")
        for name in ("open_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= 3600:
                raise ValueError(f"{name} is above 0 and at most 3600")

    @property
    def live(self) -> bool:
        if self.kind != "auto":
            return self.kind == "live"
        return not _names_file(self.url)

    @property
    def label(self) -> str:
        return redacted(self.url)

    @classmethod
    def from_url(cls, url: str) -> "Url":
        try:
            return cls(url=url)
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def open(self) -> "UrlSource":
        return UrlSource(self)


class UrlSource:
    """An opened `Url`.

    Raises:
        SourceError: it does not answer, refuses, or is no video.
    """

    def __init__(self, spec: Url) -> None:
        self._live = spec.live
        self._label = spec.label
        container = _open(spec)
        # A live playlist comes in bursts of whole segments.
        self._paced = self._live and (container.format.name == "hls" or _names_file(spec.url))
        self._reader = ContainerReader(
            container, self._label, live=self._live, read_timeout_s=spec.read_timeout_s
        )

    @property
    def codec(self) -> str:
        """FFmpeg's name of what it sends."""
        return self._reader.codec

    @property
    def counts(self) -> ReadCounts:
        """What became of the packets."""
        return self._reader.decoder.counts

    def frames(self) -> Iterator[Captured]:
        """Pictures at the pace of the network.

        Raises:
            SourceError: silence, an error, or the end of a live stream.
        """
        if self._paced:
            yield from self._at_their_pace()
        else:
            yield from self._reader.frames()
        if self._live and not self._reader.stop.is_set():
            raise SourceError(f"{self._label}: the stream ended")

    def _at_their_pace(self) -> Iterator[Captured]:
        pacer = Pacer(self._reader.stop)
        for captured in self._reader.frames():
            if not pacer.wait(captured.pts_ns):
                return
            yield Captured(captured.picture, captured.pts_ns, now_ns())

    def close(self) -> None:
        self._reader.close()


def _names_file(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in _WEB and PurePosixPath(parts.path).suffix.lower() in _FILES


def _options(spec: Url) -> dict[str, str]:
    scheme = urlsplit(spec.url).scheme
    options = {"protocol_whitelist": _PROTOCOLS, "format_whitelist": FORMATS}
    if spec.live:
        # Not `nobuffer`: it throws away what was read to find out about the stream, the
        # first keyframe with it, and delays the first picture by up to a whole GOP.
        options |= {"analyzeduration": "500000", "fpsprobesize": "0", "flags": "low_delay"}
    if scheme in ("rtsp", "rtsps"):
        options |= {
            "rtsp_transport": spec.transport,
            "allowed_media_types": "video",
            # How long a missing UDP packet holds up those behind it.
            "max_delay": "100000",
        }
    if scheme in _WEB:
        options |= {"max_redirects": str(spec.redirects)}
        if spec.live:
            options |= {"live_start_index": "-1", "multiple_requests": "0"}
    if scheme == "udp":
        options |= {"overrun_nonfatal": "1", "buffer_size": "1048576"}
    return options | spec.options


def _open(spec: Url) -> InputContainer:
    began_ns = now_ns()
    try:
        return av.open(
            spec.url,
            options=_options(spec),
            timeout=(spec.open_timeout_s, spec.read_timeout_s),
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        why = reason(error)
        if (now_ns() - began_ns) / NS_PER_S > 0.95 * spec.open_timeout_s:
            why = f"no answer within {spec.open_timeout_s:g} s"
        elif isinstance(error, av.error.InvalidDataError | av.error.ArgumentError):
            why = "what it sends is no video"
        elif isinstance(error, av.error.OSError) and not _resolves(spec.url):
            why = "its host name is unknown"
        elif spec.redirects == 0 and reason(error) == "Input/output error":
            why += ", or a redirect, which is not followed"
    raise SourceError(f"{spec.label}: {why}")


def _resolves(url: str) -> bool:
    """FFmpeg reports an unknown host as an input/output error."""
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except (OSError, UnicodeError):
        return False
    return True
