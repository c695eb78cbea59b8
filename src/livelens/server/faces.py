"""Who is enrolled, over HTTP: list, add pictures, remove. Off unless the configuration says on."""

import asyncio
import threading
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livelens.errors import CapacityError, Forbidden, PictureError
from livelens.faces import gallery as store
from livelens.faces.embedding import KIND
from livelens.faces.enroll import Enroller
from livelens.faces.picture import decode, is_web_picture
from livelens.server.answers import json_response, media_type
from livelens.server.config import Faces
from livelens.server.foresight import FACES_OFF
from livelens.server.state import state_of
from livelens.server.threads import in_thread

_PICTURES = ("image/jpeg", "image/png")
_MOST_WAITING = 4


class FaceInfo(msgspec.Struct, frozen=True):
    """Somebody who is enrolled. Times are UTC, ISO 8601.

    Attributes:
        pictures: how many he was enrolled with.
        enrolled, changed: when the first and the latest of them came.
    """

    name: str
    pictures: int
    enrolled: str
    changed: str


class FaceList(msgspec.Struct, frozen=True):
    """Everybody who is enrolled, in the order of enrolment."""

    faces: list[FaceInfo]


class FaceDesk:
    """The gallery of a server, and the models that look at pictures for it.

    One picture at a time: decoding and looking take a core and much memory. The models are
    loaded for the first picture and kept.
    """

    def __init__(self, settings: Faces) -> None:
        self.path = (
            Path(settings.gallery).expanduser() if settings.gallery else store.default_path()
        )
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._enroller: Enroller | None = None
        self._loading = threading.Lock()

    async def enroll(self, name: str, data: bytes) -> store.Person:
        """Add a picture of somebody.

        Raises:
            CapacityError: several pictures wait already.
            PictureError: it is no picture of one face that can be compared.
            GalleryError: the gallery cannot be used.
        """
        if self._waiting >= _MOST_WAITING:
            raise CapacityError("pictures wait to be looked at already")
        self._waiting += 1
        try:
            async with self._turn:
                embedding = await in_thread(self._embedding, data)
        finally:
            self._waiting -= 1
        return await in_thread(store.add, self.path, name, [embedding], KIND)

    def _embedding(self, data: bytes) -> NDArray[np.float32]:
        picture = decode(data, "the picture")
        with self._loading:
            if self._enroller is None:
                self._enroller = Enroller(threads=1)
        return self._enroller.embedding(picture, "the picture")


async def list_faces(request: Request) -> Response:
    """Everybody who is enrolled."""
    gallery = await in_thread(store.read, _desk(request).path)
    return json_response(FaceList([_info(person) for person in gallery.people.values()]))


async def enroll_face(request: Request) -> Response:
    """Enroll a picture of one face under a name; several calls add pictures."""
    desk = _desk(request)
    name = store.checked_name(request.path_params["name"])
    if media_type(request) not in _PICTURES:
        raise HTTPException(415, f"expected Content-Type: {' or '.join(_PICTURES)}")
    data = await request.body()
    if not data:
        raise PictureError("the picture: empty file")
    if not is_web_picture(data):
        raise PictureError("the picture: not a JPEG or PNG")
    return json_response(_info(await desk.enroll(name, data)), 201)


async def remove_face(request: Request) -> Response:
    """Delete everything that the gallery holds of somebody."""
    await in_thread(store.remove, _desk(request).path, request.path_params["name"])
    return Response(status_code=204)


def _desk(request: Request) -> FaceDesk:
    state = state_of(request)
    settings = state.config.faces
    if not settings.enabled:
        raise Forbidden(FACES_OFF)
    if state.faces is None:
        state.faces = FaceDesk(settings)
    return state.faces


def _info(person: store.Person) -> FaceInfo:
    return FaceInfo(person.name, len(person.embeddings), person.enrolled, person.changed)
