"""Tokens and shared links over HTTP: make, list, revoke."""

import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.errors import NotFound
from livelens.server.access.tokens import DAY_S, Token, TokenKind, new_token
from livelens.server.answers import json_body, json_response
from livelens.server.identity import Grant
from livelens.server.state import state_of

_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class TokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new token is to grant.

    Attributes:
        name: for the list of tokens.
        kind: `token` for programs, `share` for a link that a person opens.
        expires_s: seconds until it ends; a day by default, 366 days at most.
    """

    grants: tuple[Grant, ...]
    name: str = ""
    kind: TokenKind = "token"
    expires_s: float = DAY_S


class TokenInfo(msgspec.Struct, frozen=True):
    """A token. Times are Unix seconds."""

    id: str
    name: str
    kind: TokenKind
    grants: tuple[Grant, ...]
    created_unix_s: int
    expires_unix_s: int
    revoked: bool


class NewToken(msgspec.Struct, frozen=True):
    """A token that has just been made: the only time that it is told.

    Attributes:
        link: the query with which the page is opened, `?token=…`.
    """

    info: TokenInfo
    token: str
    link: str


class TokenList(msgspec.Struct, frozen=True):
    """All recorded tokens that have not expired, the newest first."""

    tokens: list[TokenInfo]


async def list_tokens(request: Request) -> Response:
    """The tokens and links that were made, and those that were revoked."""
    records = await state_of(request).access.records.tokens()
    told = TokenList([_info(each.token, revoked=each.revoked) for each in records])
    return json_response(told, headers={"Cache-Control": "no-store"})


async def make_token(request: Request) -> Response:
    """Make a token or a link with rights of its own, which ends by itself."""
    wish = plugins.converted(await json_body(request), TokenWish, "$")
    token = new_token(wish.name, wish.kind, wish.grants, wish.expires_s)
    text = await state_of(request).access.make_token(token)
    told = NewToken(_info(token, revoked=False), text, f"?token={text}")
    headers = {"Cache-Control": "no-store", "Location": f"/api/tokens/{token.id}"}
    return json_response(told, 201, headers)


async def revoke_token(request: Request) -> Response:
    """Revoke a token or link; what it began ends within seconds."""
    token = request.path_params["token"]
    if not _ID.fullmatch(token):
        raise NotFound("there is no such token")
    state = state_of(request)
    await state.access.records.revoke(token)
    await state.leases.look()
    return Response(status_code=204)


def _info(token: Token, *, revoked: bool) -> TokenInfo:
    return TokenInfo(**msgspec.structs.asdict(token), revoked=revoked)
