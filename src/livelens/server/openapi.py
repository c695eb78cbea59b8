"""The OpenAPI document, made from the table of routes."""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import livelens
from livelens.events import Problem, Result, State
from livelens.server.answers import json_response

if TYPE_CHECKING:
    from livelens.server.routes import Endpoint

_ANY_ROUTE = (401, 403, 429)
_REFERENCES = "#/components/schemas/{name}"


class Error(msgspec.Struct, frozen=True):
    """Why a request was refused, in one line."""

    error: str


async def document(_: Request) -> Response:
    """This API in OpenAPI 3.1."""
    from livelens.server.routes import ENDPOINTS  # the table names this function

    return json_response(describe(ENDPOINTS))


def describe(endpoints: "tuple[Endpoint, ...]") -> dict[str, Any]:
    """The document of these routes."""
    shown = [each for each in endpoints if not each.hidden]
    types: list[Any] = [Error, Result, Problem, State]
    for each in shown:
        for held in (each.answer[2], each.body[1] if each.body else None):
            if isinstance(held, type) and issubclass(held, msgspec.Struct) and held not in types:
                types.append(held)
    _, components = msgspec.json.schema_components(types, ref_template=_REFERENCES)
    paths: dict[str, dict[str, Any]] = {}
    for each in shown:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Livelens", "version": livelens.__version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
                # Its name ends as each server says; see docs/security.md.
                "cookie": {"type": "apiKey", "in": "cookie", "name": "livelens_session"},
            },
        },
    }


def _operation(each: "Endpoint") -> dict[str, Any]:
    status, media_type, held = each.answer
    success: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if media_type:
        success["content"] = {media_type: {"schema": _schema(held)}}
        if each.events:
            success["content"]["text/event-stream"] = {"schema": _schema(str)}
    responses = {str(status): success}
    for code in sorted({*each.errors, *_ANY_ROUTE}):
        responses[str(code)] = {
            "description": HTTPStatus(code).phrase,
            "content": {"application/json": {"schema": _schema(Error)}},
        }
    operation: dict[str, Any] = {
        "summary": each.summary,
        "operationId": f"{each.method.lower()}_{re.sub('[^a-z]+', '_', each.path).strip('_')}",
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", each.path)
            ),
            *(
                {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
                for name, text in each.query
            ),
        ],
        "responses": responses,
        "security": [] if each.action is None else [{"bearer": []}, {"query": []}, {"cookie": []}],
        "x-right": _right(each),
    }
    if each.body is not None:
        content = {each.body[0]: {"schema": _schema(each.body[1])}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _right(each: "Endpoint") -> str:
    """What a route wants, in words."""
    if each.action is None:
        return "open"
    if each.everywhere:
        return f"{each.action} every stream"
    named = "{stream}" in each.path
    return f"{each.action} the stream" if named else str(each.action)


def _schema(held: object) -> dict[str, Any]:
    if isinstance(held, type) and issubclass(held, msgspec.Struct):
        return {"$ref": _REFERENCES.format(name=held.__name__)}
    if held is bytes:
        return {"type": "string", "contentMediaType": "application/octet-stream"}
    return {"type": "string"} if held is str else {"type": "object"}
