"""The configuration of a server, from YAML or Python.

    server:  {host: 127.0.0.1, port: 8080, limits: {max_viewers: 100}}
    webrtc:  {udp_ports: [8190, 8290], advertised_hosts: [203.0.113.7]}
    presets: {default: {stages: [detect, track]}}
    publish: {preset: default}
    streams: {street: {source: rtsp://camera.local/live, preset: default}}

Unknown keys are refused, and every error names the path of what is wrong.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from livelens import plugins, presets
from livelens.errors import ConfigError
from livelens.flow.graph import check as check_order
from livelens.media.rtc_config import RtcConfig
from livelens.server.access.settings import AccessSettings, from_environment
from livelens.server.recordings.settings import Recordings
from livelens.server.renditions import with_renditions
from livelens.sources.file import File
from livelens.sources.upload import Upload
from livelens.spec import PipelineSpec

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PIPELINE_KEYS = frozenset({"stages", "sinks", "max_delay_s", "on_error"})


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server refuses to exceed, so that those who are served stay served.

    Attributes:
        max_streams: above it 503.
        max_viewers: of all streams together; above it 503.
        max_readers: of results, by SSE and WebSocket together; above it 503.
        max_body_bytes: of a request; above it 413.
        requests_per_s: of one client, twice as many in a burst; above it 429.
        result_queue: results that wait for a slow reader before he loses the oldest.
    """

    max_streams: int = 16
    max_viewers: int = 100
    max_readers: int = 200
    max_body_bytes: int = 1_048_576
    requests_per_s: float = 50.0
    result_queue: int = 64

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")


class CertificateFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate that somebody else made.

    Attributes:
        cert: file of the certificate and those between it and its root, PEM.
        key: file of its private key, PEM, not encrypted.
    """

    cert: str
    key: str


# YAML reads an unquoted `off` as false.
Tls = Literal["auto", "off"] | bool | CertificateFiles


class Listening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the server listens, and whom it trusts.

    Attributes:
        host: any other than a loopback address is reached by other machines.
        port: 0 takes a free one.
        token: who shows it is the administrator, as who knows the password.
        allow: addresses, files and source types that the HTTP API may use although they
            reach into private networks or this machine; see `server.urls`.
        origins: web origins, besides those of this machine, whose pages may use the API.
        hosts: names, besides those of this machine, under which a loopback server is asked for.
        proxies: addresses or networks of proxies in front of it, whose X-Forwarded-For tells
            who asks, for the limits of requests and of wrong passwords, and whose
            X-Forwarded-Proto whether he does so encrypted. Anybody else's are ignored.
        tls: `auto` speaks HTTPS, with a certificate of its own making, on any other than a
            loopback address; `off` speaks plain HTTP everywhere; or the files of a certificate.
        keep_streams: file in which streams that the API adds outlive the server.
        limits: what it refuses to exceed.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    allow: list[str] = []
    origins: list[str] = []
    hosts: list[str] = []
    proxies: list[str] = []
    tls: Tls = "auto"
    keep_streams: str | None = None
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be in 0..65535")
        if self.token is not None and len(self.token) < 16:
            raise ValueError("token must have 16 characters or more")
        if self.tls is True:
            raise ValueError("tls is auto, off, or the files {cert: FILE, key: FILE}")
        if self.keep_streams == "":
            raise ValueError("keep_streams names no file")
        _ = self.networks

    @property
    def networks(self) -> "tuple[Network, ...]":
        """The networks of `proxies`. Raises ValueError, naming the one that is none."""
        return tuple(ipaddress.ip_network(each, strict=False) for each in self.proxies)


class Publishing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a camera that is published to a stream nobody has configured.

    Attributes:
        preset: what it runs through, unless the publisher names another one.
        enabled: False refuses such streams.
        linger_s: how long the stream, and those who watch it, wait for a publisher to return.
    """

    preset: str = "default"
    enabled: bool = True
    linger_s: float = 10.0


class Faces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is recognised, for `/api/faces` and for streams that the API starts.

    Attributes:
        enabled: faces are not recognised unless somebody switches it on; see docs/identity.md.
        gallery: the file of those who are enrolled; None is the one in the user's data
            folder. `identity` stages that name none use it too.
        max_picture_bytes: of a picture that is enrolled over HTTP; above it 413.
    """

    enabled: bool = False
    gallery: str | None = None
    max_picture_bytes: Annotated[int, msgspec.Meta(ge=1)] = 8_388_608


class Uploads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clips that people upload, to be sources of streams.

    Attributes:
        enabled: False refuses them.
        folder: where they lie; None is the one in the user's data folder.
        max_bytes: of one clip; above it 413.
        max_total_bytes: of all of them; above it 507.
    """

    enabled: bool = True
    folder: str | None = None
    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1_073_741_824
    max_total_bytes: Annotated[int, msgspec.Meta(ge=1)] = 10_737_418_240


class ServerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `livelens serve` is told.

    Attributes:
        presets: parts of pipelines by name, `stages`, `sinks`, `max_delay_s`, `on_error`.
        streams: pipelines by stream id, as in `livelens.plugins.pipeline`, with the
            name of a `preset` if they want one.
    """

    server: Listening = Listening()
    webrtc: RtcConfig = RtcConfig()
    access: AccessSettings = AccessSettings()
    publish: Publishing = Publishing()
    faces: Faces = Faces()
    uploads: Uploads = Uploads()
    recordings: Recordings = Recordings()
    presets: dict[str, dict[str, Any]] = {}
    streams: dict[str, dict[str, Any]] = {}


def load_config(file: Path | None) -> ServerConfig:
    """The configuration in a YAML file; the defaults without one.

    `LIVELENS_HOST`, `LIVELENS_PORT`, `LIVELENS_TOKEN`, `LIVELENS_PASSWORD`,
    `LIVELENS_SECRET` and `LIVELENS_REDIS_URL` take precedence over the file.

    Raises:
        ConfigError: names file and path of what is wrong.
    """
    data = plugins.read_yaml(file) if file is not None else {}
    try:
        return read_config({} if data is None else data)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}" if file is not None else str(error)) from None


def read_config(data: object) -> ServerConfig:
    """The configuration in plain data, checked down to the last stage. Raises ConfigError."""
    try:
        config = plugins.converted(data, ServerConfig, "$")
    except ConfigError:
        _find_in_webrtc(data)
        raise
    config = _with_environment(config)
    for name, preset in config.presets.items():
        _check_preset(preset, f"$.presets.{name}")
    if config.publish.enabled and config.publish.preset not in known_presets(config):
        raise ConfigError(f"{_no_preset(config, config.publish.preset)} - at $.publish.preset")
    for stream_id in config.streams:
        check_id(stream_id, "$.streams")
        configured_stream(config, stream_id)
    return config


def configured_stream(config: ServerConfig, stream_id: str) -> PipelineSpec:
    """The pipeline of a stream of the configuration. Raises ConfigError."""
    return pipeline_of(config, config.streams[stream_id], f"$.streams.{stream_id}")


def pipeline_of(config: ServerConfig, data: object, path: str = "$") -> PipelineSpec:
    """A pipeline from plain data in which a `preset` may be named.

    What the data says takes precedence over its preset. Without a `whep` sink it gets those of
    `livelens.server.renditions.usual`.

    Raises:
        ConfigError: names what is wrong and where.
    """
    if not isinstance(data, Mapping):
        raise ConfigError(f"expected a mapping, got {type(data).__name__} - at {path}")
    fields = {key: value for key, value in data.items() if key != "preset"}
    preset = data.get("preset", "default" if "stages" not in data else None)
    if preset is not None:
        if not isinstance(preset, str) or preset not in known_presets(config):
            raise ConfigError(f"{_no_preset(config, preset)} - at {path}.preset")
        fields = {**known_presets(config)[preset], **fields}
    spec = plugins.pipeline(fields, path)
    if isinstance(spec.source, File) and spec.source.pace is None:
        # Who serves a file wants it played, not read as fast as the disk gives it.
        played = msgspec.structs.replace(spec.source, pace=True)
        spec = msgspec.structs.replace(spec, source=played)
    spec = with_renditions(spec)
    check_order(spec, path)
    return spec


def with_gallery(config: ServerConfig, spec: PipelineSpec) -> PipelineSpec:
    """The pipeline with the server's gallery where an identity stage names none."""
    if config.faces.gallery is None:
        return spec
    stages = tuple(
        msgspec.structs.replace(stage, gallery=config.faces.gallery)
        if plugins.named(stage) == "identity" and getattr(stage, "gallery", "") is None
        else stage
        for stage in spec.stages
    )
    return msgspec.structs.replace(spec, stages=stages)


def with_uploads(config: ServerConfig, spec: PipelineSpec) -> PipelineSpec:
    """The pipeline with the server's folder where its source is an uploaded clip."""
    if not isinstance(spec.source, Upload):
        return spec
    source = msgspec.structs.replace(spec.source, folder=config.uploads.folder)
    return msgspec.structs.replace(spec, source=source)


def known_presets(config: ServerConfig) -> Mapping[str, dict[str, Any]]:
    """The presets by name: those that come with Livelens, and the configured ones over them."""
    return {**presets.builtin(), **config.presets}


def check_id(stream_id: object, path: str = "$.id") -> str:
    """A stream id that is safe in URLs, labels and file names. Raises ConfigError."""
    if not isinstance(stream_id, str) or not _ID.fullmatch(stream_id):
        raise ConfigError(
            "a stream id has 1 to 64 letters, digits, '-', '_' and '.',"
            f" beginning with a letter or digit - at {path}"
        )
    return stream_id


def _check_preset(preset: dict[str, Any], path: str) -> None:
    for key in preset:
        if key not in _PIPELINE_KEYS:
            raise ConfigError(f"unknown key {key!r} - at {path}")
    check_order(plugins.pipeline({"source": {"type": "whip"}, **preset}, path), path)


def _no_preset(config: ServerConfig, preset: object) -> str:
    return f"there is no preset {preset!r} ({', '.join(sorted(known_presets(config)))})"


def _find_in_webrtc(data: object) -> None:
    """Raise the error of the `webrtc` section with its whole path, if it is there."""
    if isinstance(data, Mapping) and "webrtc" in data:
        try:
            msgspec.convert(data["webrtc"], RtcConfig)
        except ConfigError as error:
            text = str(error).replace("$.", "$.webrtc.", 1)
            raise ConfigError(text) from None
        except (msgspec.ValidationError, ValueError):
            return


def _with_environment(config: ServerConfig) -> ServerConfig:
    listening: dict[str, Any] = msgspec.to_builtins(config.server)
    for key in ("host", "port", "token"):
        if (text := os.environ.get(f"LIVELENS_{key.upper()}")) is None:
            continue
        if key == "port" and not text.isdecimal():
            raise ConfigError(f"LIVELENS_PORT is not a number: {text!r}")
        listening[key] = int(text) if key == "port" else text
    server = plugins.converted(listening, Listening, "$.server")
    access = {**msgspec.to_builtins(config.access), **from_environment()}
    settings = plugins.converted(access, AccessSettings, "$.access")
    return msgspec.structs.replace(config, server=server, access=settings)
