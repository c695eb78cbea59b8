"""The web page, from the package's folder, under a strict policy."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

import livelens
from livelens.server.access.entrance import entered
from livelens.server.state import state_of

# 'self' covers WebSockets of the same origin; pictures and videos may come from the page
# itself. Nothing is fetched from elsewhere, and no other site may frame the page.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob: mediastream:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HINT = """Livelens is running, but its web page has not been built.

The HTTP API is described in /openapi.json; streams are listed in /api/streams.
"""


def web_folder() -> Path:
    """Where the built page lies."""
    return Path(livelens.__file__).parent / "web"


async def page(request: Request) -> Response:
    """A file of the web page."""
    onward = await entered(request, state_of(request).access)
    if onward is not None:
        return onward
    folder = web_folder()
    asked = request.path_params.get("path", "") or "index.html"
    if asked == "index.html" and not (folder / asked).is_file():
        return PlainTextResponse(_HINT, headers=_HEADERS)
    file = _inside(folder, asked)
    if file is None:
        raise HTTPException(404)
    # Vite puts a hash of the content into the names of what it builds.
    hashed = asked.startswith("assets/")
    caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
    # By the name's ending alone, TypeScript would be a video.
    kind = "text/plain" if file.suffix == ".ts" else None
    return FileResponse(file, headers={**_HEADERS, "Cache-Control": caching}, media_type=kind)


def _inside(folder: Path, asked: str) -> Path | None:
    """The file of that name, if it is one and lies in the folder."""
    if "\0" in asked:
        return None
    file = (folder / asked).resolve()
    return file if file.is_relative_to(folder.resolve()) and file.is_file() else None
