"""Pictures of texts that phones read, for links that a page has made."""

import io

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livelens import plugins
from livelens.errors import ConfigError
from livelens.server.answers import json_body
from livelens.server.threads import in_thread

_MOST_BYTES = 1800


class QrWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text, 1800 bytes at most."""

    text: str


async def qr_code(request: Request) -> Response:
    """A QR code of a text, as SVG."""
    wish = plugins.converted(await json_body(request), QrWish, "$")
    if not 1 <= len(wish.text.encode()) <= _MOST_BYTES:
        raise ConfigError(f"the text has 1 to {_MOST_BYTES} bytes - at $.text")
    picture = await in_thread(_picture, wish.text)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}
    return Response(picture, media_type="image/svg+xml", headers=headers)


def _picture(text: str) -> bytes:
    import segno

    out = io.BytesIO()
    code = segno.make(text, error="l", micro=False)
    code.save(out, kind="svg", border=3, light="#fff", xmldecl=False, nl=False, omitsize=True)
    return out.getvalue()
