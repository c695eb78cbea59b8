"""`POST /api/sources/check`: whether a source can be used, while somebody still writes it."""

import re
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.errors import ConfigError, Forbidden, SourceError
from livelens.server import urls
from livelens.server.answers import json_body, json_response
from livelens.server.config import with_uploads
from livelens.server.foresight import check_possible
from livelens.server.probe import Seen
from livelens.server.state import ServerState, state_of
from livelens.server.threads import in_thread
from livelens.spec import PipelineSpec, SourceSpec

_MOST_CHARACTERS = 4096
_FROM_PATH = " - at $.source"

Problem = Literal[
    "empty", "no_scheme", "unknown_scheme", "invalid", "not_allowed", "missing", "unreachable"
]


class SourceCheck(msgspec.Struct, frozen=True):
    """What is to be said of a source.

    Attributes:
        ok: whether it can be used, as far as was looked.
        type, label: what it is, never with a password; empty where it is nothing.
        problem: what kind of thing is wrong; None where nothing is.
        message: what is wrong and what to do, or what it is.
        suggested_id: a free id for its stream.
        seen: what it shows, where it was tried.
    """

    ok: bool
    type: str
    label: str
    problem: Problem | None
    message: str
    suggested_id: str
    seen: Seen | None = None


class _Wrong(Exception):
    """Nothing can be made of it."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem: Problem = problem


async def check_source(request: Request) -> Response:
    """Say whether a source can be used; with `probe: true`, whether it shows something."""
    state = state_of(request)
    body = await json_body(request)
    if not isinstance(body, dict) or not body.keys() <= {"source", "probe"}:
        raise ConfigError("expected an object with `source`, and `probe` if you like - at $")
    if not isinstance(probe := body.get("probe", False), bool):
        raise ConfigError("expected true or false - at $.probe")
    try:
        spec = await in_thread(_judged, state, body.get("source"), thoroughly=probe)
    except _Wrong as wrong:
        return json_response(SourceCheck(False, "", "", wrong.problem, str(wrong), ""))
    return json_response(await _told(state, spec, probe=probe))


async def _told(state: ServerState, spec: SourceSpec, *, probe: bool) -> SourceCheck:
    kind, label = plugins.named(spec), spec.label
    suggested = _free(state, suggested_id(spec))
    fine = SourceCheck(True, kind, label, None, _described(spec, kind), suggested)
    if not probe or kind == "whip":
        return fine
    seen = await state.probes.look(spec)
    if isinstance(seen, str):
        return SourceCheck(False, kind, label, "unreachable", seen, suggested)
    rate = f", {seen.fps:g} pictures a second" if seen.fps else ""
    codec = f", {seen.codec}" if seen.codec else ""
    message = f"it works: {seen.size_px[0]}×{seen.size_px[1]}{rate}{codec}"
    return SourceCheck(True, kind, label, None, message, suggested, seen)


def suggested_id(spec: SourceSpec) -> str:
    """A stream id that reminds of the source."""
    label = spec.label
    parts = urlsplit(label) if "://" in label else None
    if plugins.named(spec) == "pattern":
        words = "pattern"
    elif parts is not None and parts.scheme != "upload" and parts.hostname:
        last = parts.path.rstrip("/").rpartition("/")[2].partition(".")[0]
        words = f"{_host_word(parts.hostname)}-{last}".strip("-")
    else:
        words = label.rstrip("/").rpartition("/")[2].partition("?")[0].rpartition(".")[0] or label
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", words).strip("-_")[:40]
    return words or plugins.named(spec)


def _judged(state: ServerState, data: object, *, thoroughly: bool) -> SourceSpec:
    """The source, if nothing speaks against it.

    Args:
        thoroughly: host names are resolved, too; while somebody writes they change with each
            key, and whoever runs the name server shall not read along.

    Raises:
        _Wrong: something does.
    """
    if isinstance(data, str):
        data = _written(data)
    elif not isinstance(data, dict):
        raise _Wrong("empty", "give the address of a camera, a stream or a file")
    try:
        spec = plugins.source(data, "$.source")
        pipeline = with_uploads(state.config, PipelineSpec(source=spec))
        allow = state.config.server.allow
        urls.check_source(spec, allow, urls.resolve if thoroughly else _known_addresses)
        check_possible(pipeline)
    except ConfigError as error:
        message = str(error).removesuffix(_FROM_PATH)
        problem: Problem = "unknown_scheme" if message.startswith("no source opens") else "invalid"
        raise _Wrong(problem, message) from None
    except Forbidden as error:
        if isinstance(data, str) and "://" not in data and not data.startswith(("/", "~", "file:")):
            raise _Wrong(
                "no_scheme",
                "an address begins with its kind, as rtsp:// or https:// do; files of the server"
                " need an entry in server.allow",
            ) from None
        raise _Wrong("not_allowed", str(error)) from None
    except SourceError as error:
        raise _Wrong("missing", str(error).removesuffix(_FROM_PATH)) from None
    return urls.without_redirects(pipeline.source, allow)


def _written(text: str) -> str:
    text = text.strip()
    if not text:
        raise _Wrong("empty", "give the address of a camera, a stream or a file")
    if len(text) > _MOST_CHARACTERS:
        raise _Wrong("invalid", f"the address is longer than {_MOST_CHARACTERS} characters")
    return text


def _known_addresses(host: str) -> list[urls.Address]:
    """The addresses of a name that no name server is asked for."""
    name = host.lower().rstrip(".")
    local = name == "localhost" or name.endswith(".localhost")
    return [ip_address("127.0.0.1")] if local else []


def _described(spec: SourceSpec, kind: str) -> str:
    if kind == "whip":
        return "a camera that somebody publishes to this stream"
    return f"{spec.label}{'' if spec.live else ', read to its end'}"


def _host_word(host: str) -> str:
    try:
        ip_address(host)
    except ValueError:
        return host.removeprefix("www.").partition(".")[0]
    return "camera"


def _free(state: ServerState, wanted: str) -> str:
    name, number = wanted, 1
    while name in state.engine.streams:
        number += 1
        name = f"{wanted}-{number}"
    return name
