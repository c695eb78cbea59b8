"""`GET /api/server`: what this server is and can do, for pages that adapt to it."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import livelens
from livelens import presets
from livelens.clock import wall_ns
from livelens.server.answers import json_response
from livelens.server.config import Limits, ServerConfig, known_presets
from livelens.server.https.tls import speaks_tls
from livelens.server.state import state_of
from livelens.server.threads import in_thread
from livelens.server.uploads.endpoints import UploadDesk


class Features(msgspec.Struct, frozen=True):
    """What is switched on.

    Attributes:
        publish: cameras may be published to streams that nobody has configured.
        tls: the server speaks HTTPS itself.
    """

    faces: bool
    recordings: bool
    uploads: bool
    publish: bool
    tls: bool


class UploadRoom(msgspec.Struct, frozen=True):
    """How large an uploaded clip may be, and how large there is room for now."""

    max_bytes: int
    free_bytes: int


class PresetInfo(msgspec.Struct, frozen=True):
    """A preset, with its stages as a configuration writes them."""

    name: str
    description: str
    stages: list[Any]


class ServerInfo(msgspec.Struct, frozen=True):
    """A server, for whoever uses it.

    Attributes:
        presets: by name, the one that published cameras get first.
        unix_ns: the server's clock.
    """

    version: str
    features: Features
    limits: Limits
    uploads: UploadRoom
    presets: list[PresetInfo]
    unix_ns: int


async def server(request: Request) -> Response:
    """What this server is and can do."""
    state = state_of(request)
    config = state.config
    return json_response(
        ServerInfo(
            version=livelens.__version__,
            features=_features(config),
            limits=config.server.limits,
            uploads=await in_thread(_room, state.uploads),
            presets=_presets(config),
            unix_ns=wall_ns(),
        )
    )


def _features(config: ServerConfig) -> Features:
    recordings = getattr(config, "recordings", None)
    return Features(
        faces=config.faces.enabled,
        recordings=bool(getattr(recordings, "enabled", False)),
        uploads=config.uploads.enabled,
        publish=config.publish.enabled,
        tls=speaks_tls(config.server),
    )


def _room(desk: UploadDesk | None) -> UploadRoom:
    if desk is None:
        return UploadRoom(0, 0)
    most = desk.settings.max_bytes
    return UploadRoom(most, min(most, desk.folder.free_bytes()))


def _presets(config: ServerConfig) -> list[PresetInfo]:
    first = config.publish.preset
    known = sorted(known_presets(config).items(), key=lambda each: each[0] != first)
    return [
        PresetInfo(name, _description(config, name, stages), stages)
        for name, preset in known
        if isinstance(stages := preset.get("stages", []), list)
    ]


def _description(config: ServerConfig, name: str, stages: list[Any]) -> str:
    if name not in config.presets and name in presets.DESCRIPTIONS:
        return presets.DESCRIPTIONS[name]
    kinds = [each.get("type", "?") if isinstance(each, dict) else str(each) for each in stages]
    return ", ".join(kinds) or "pictures only"
