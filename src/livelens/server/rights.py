"""The rights that routes want, checked in one place before any of them answers."""

from typing import Literal

from starlette.requests import HTTPConnection

from livelens.server.identity import ALL, Action, who

# `admin`: the administrator alone. `any`: whoever has signed in or shows a token.
Right = Action | Literal["admin", "any"]


def permit(connection: HTTPConnection, right: Right | None, *, everywhere: bool = False) -> None:
    """Let through who has the right on the stream that the path names.

    A path without `{stream}` is open to who has the right on any stream: what it tells and
    does is for its route to narrow down. `everywhere` wants the right on every stream.

    Raises:
        HTTPException: 401, nobody knows who asks.
        Forbidden: he does not have the right.
        Unavailable: who he is cannot be told at present.
    """
    if right is None:
        return
    identity = who(connection)
    if right == "any":
        return
    if right == "admin":
        identity.require_admin()
        return
    identity.require(right, ALL if everywhere else connection.path_params.get("stream"))
