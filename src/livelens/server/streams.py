"""Streams over HTTP: list, add, change, start, stop, remove."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.errors import ConfigError
from livelens.flow.graph import check as check_order
from livelens.server.answers import json_body, json_response
from livelens.server.config import check_id, pipeline_of
from livelens.server.describe import StreamList, seen_by, stream_info
from livelens.server.foresight import check_switched_on
from livelens.server.identity import who
from livelens.server.renditions import kept_up
from livelens.server.state import state_of
from livelens.server.threads import in_thread
from livelens.server.urls import check_pipeline, without_redirects
from livelens.spec import PipelineSpec

_POST_KEYS = frozenset({"id", "source", "preset", "stages", "sinks", "max_delay_s", "on_error"})
_PATCH_KEYS = frozenset({"stages", "sinks", "max_delay_s", "on_error"})


async def list_streams(request: Request) -> Response:
    """All streams."""
    state = state_of(request)
    identity = who(request)
    seen = [
        seen_by(identity, stream_info(state, pipeline))
        for stream_id, pipeline in sorted(state.engine.streams.items())
        if identity.may("view", stream_id)
    ]
    return json_response(StreamList(seen))


async def add_stream(request: Request) -> Response:
    """Start a stream."""
    state = state_of(request)
    body = _mapping(await json_body(request), _POST_KEYS)
    stream_id = check_id(body.pop("id", None))
    who(request).require("control", stream_id)
    spec = await in_thread(pipeline_of, state.config, body)  # may import a plug-in
    check_switched_on(spec, state.config.faces)
    allow = state.config.server.allow
    await in_thread(check_pipeline, spec, allow)
    spec = msgspec.structs.replace(spec, source=without_redirects(spec.source, allow))
    pipeline = await state.streams.add(stream_id, spec, keep=True)
    return json_response(
        stream_info(state, pipeline), 201, {"Location": f"/api/streams/{stream_id}"}
    )


async def get_stream(request: Request) -> Response:
    """One stream."""
    state = state_of(request)
    info = stream_info(state, state.engine.get(request.path_params["stream"]))
    return json_response(seen_by(who(request), info))


async def change_stream(request: Request) -> Response:
    """Change stages, sinks or limits. Who watches an unchanged sink notices nothing."""
    state = state_of(request)
    stream_id = request.path_params["stream"]
    before = state.engine.get(stream_id).spec
    body = _mapping(await json_body(request), _PATCH_KEYS)
    spec = await in_thread(changed, before, body)
    given = msgspec.structs.replace(
        spec,
        source=plugins.source({"type": "whip"}),  # the source stays, and has been judged
        stages=tuple(stage for stage in spec.stages if stage not in before.stages),
        sinks=tuple(sink for sink in spec.sinks if sink not in before.sinks),
    )
    check_switched_on(given, state.config.faces)
    await in_thread(check_pipeline, given, state.config.server.allow)
    pipeline = await state.streams.change(stream_id, spec)
    return json_response(stream_info(state, pipeline))


async def start_stream(request: Request) -> Response:
    """Start a stream that was stopped, has ended or failed; one that runs goes on."""
    state = state_of(request)
    return json_response(
        stream_info(state, await state.streams.start(request.path_params["stream"]))
    )


async def stop_stream(request: Request) -> Response:
    """Stop a stream and keep it listed; who publishes or watches it is sent away."""
    state = state_of(request)
    return json_response(
        stream_info(state, await state.streams.stop(request.path_params["stream"]))
    )


async def restart_stream(request: Request) -> Response:
    """Open source and stages of a stream anew; who watches it stays."""
    state = state_of(request)
    return json_response(
        stream_info(state, await state.streams.restart(request.path_params["stream"]))
    )


async def remove_stream(request: Request) -> Response:
    """Stop a stream and forget it."""
    state = state_of(request)
    await state.streams.remove(request.path_params["stream"])
    return Response(status_code=204)


def changed(before: PipelineSpec, patch: Mapping[str, Any]) -> PipelineSpec:
    """The pipeline with the keys of the patch replaced, lists as a whole.

    Where sinks are not named, the usual renditions go with the stages. Raises ConfigError.
    """
    fields: dict[str, object] = {
        "source": before.source,
        "stages": list(before.stages),
        "sinks": list(before.sinks),
        "max_delay_s": before.max_delay_s,
        "on_error": before.on_error,
    }
    spec = plugins.pipeline({**fields, **patch})
    if "sinks" not in patch:
        sinks = kept_up(spec.sinks, before.stages, spec.stages)
        spec = msgspec.structs.replace(spec, sinks=sinks)
    check_order(spec)
    return spec


def _mapping(body: object, keys: frozenset[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ConfigError(f"expected an object, got {type(body).__name__} - at $")
    for key in body:
        if key not in keys:
            raise ConfigError(f"unknown key {key!r} ({', '.join(sorted(keys))}) - at $")
    if not body:
        raise HTTPException(400, "the body is empty")
    return body
