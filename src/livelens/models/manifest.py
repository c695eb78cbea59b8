"""What the zoo knows about each model and clip: where it ships, what it takes, what it gives."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

Registry = Literal["pypi", "npm"]


class Preprocess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a picture becomes the model's input tensor.

    Attributes:
        width_px, height_px: size of the input tensor.
        color: order of the channels in the tensor; ``grey`` is one channel, the brightness.
        layout: order of the axes in the tensor.
        dtype: uint8 tensors are fed as they are; mean and std then do not apply.
        mean, std: the tensor is ``(pixel - mean) / std``, pixel in 0..255, in tensor order;
            of grey, the first of them.
        fit: ``stretch`` ignores the aspect ratio; ``letterbox`` keeps it and pads on both
            sides, ``letterbox-corner`` pads at the right and the bottom only.
        pad_value: 0..255, in all channels.
    """

    width_px: int
    height_px: int
    color: Literal["rgb", "bgr", "grey"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    dtype: Literal["float32", "uint8"] = "float32"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fit: Literal["stretch", "letterbox", "letterbox-corner"] = "stretch"
    pad_value: int = 114

    @property
    def channels(self) -> int:
        """Length of the tensor's channel axis."""
        return 1 if self.color == "grey" else 3


class PackageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file inside an archive.

    Attributes:
        path: where it lies in the archive; the archive's own name is the archive as it is.
        size: bytes.
        sha256: in hex.
        offset: bytes before it, where the file at `path` is a bundle that holds it as it is.
        save_as: what it is called in the cache, if not as in the archive.
    """

    path: str
    size: int
    sha256: str
    offset: int = 0
    save_as: str = ""

    @property
    def name(self) -> str:
        """The file name without its folders: what it is called in the cache."""
        return self.save_as or self.path.rsplit("/", 1)[-1]


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exact version of a published package, used as an archive and never installed."""

    registry: Registry
    name: str
    version: str
    archive: str
    sha256: str
    size: int
    files: tuple[PackageFile, ...]


class Convert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the package's files become an ONNX file.

    ``tfjs``: a TensorFlow.js graph, cut at the node `input` (whose axes are in
    `input_layout`) and at `outputs`. ``onnx``: only the declared input size is wrong.
    ``faceapi``: weights without a graph, of the network that `models.faceapi` knows.
    """

    format: Literal["tfjs", "onnx", "faceapi"]
    input: str = ""
    input_layout: Literal["nchw", "nhwc"] = "nchw"
    outputs: tuple[str, ...] = ()


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model of the zoo.

    Attributes:
        task: a `detect` model finds objects (`zoo.load`); any other is a `network` whose outputs
            the stage that uses it understands (`zoo.network`).
        labels: the name of each class; an empty name is a class that is never reported.
        decoder: a name in `livelens.models.decoders.DECODERS`; empty for a network.
        package: where it ships; None for a user's own file, and what comes with Livelens.
        file, file_sha256: a user's own file, or one that comes with Livelens (in its card:
            relative to the folder `models`); empty where there is a package.
        confidence, iou: default thresholds, 0..1.
        precision: what ``auto`` means for this model, where bfloat16 would cost it accuracy.
        outputs: numbers of the file's outputs to compute; empty is all. What only the others need
            is never computed.
        optional: too big to be fetched by ``models pull`` without names.
        licence: SPDX expression, as the package states it.
    """

    name: str
    description: str
    input: Preprocess
    licence: str
    decoder: str = ""
    labels: tuple[str, ...] = ()
    licence_note: str = ""
    task: Literal["detect", "network"] = "detect"
    precision: Literal["auto", "f32", "bf16"] = "auto"
    package: Package | None = None
    file: str = ""
    file_sha256: str = ""
    convert: Convert | None = None
    confidence: float = 0.5
    iou: float = 0.5
    outputs: tuple[int, ...] = ()
    optional: bool = False

    @property
    def size(self) -> int:
        """Bytes to download; 0 for a user's own file."""
        return self.package.size if self.package else 0


class ClipCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sample video inside a published package."""

    name: str
    description: str
    licence: str
    package: Package
    licence_note: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All files of the folder `cards` together, label sets resolved."""

    labels: dict[str, tuple[str, ...]]
    models: tuple[ModelCard, ...]
    clips: tuple[ClipCard, ...]


def _with_label_names(raw: dict[str, Any]) -> dict[str, Any]:
    # Models that score COCO's ids as they are have a class 0 that COCO never gave out.
    raw["labels"]["coco91"] = ["", *raw["labels"]["coco90"]]
    for model in raw["models"]:
        if isinstance(model.get("labels"), str):
            model["labels"] = raw["labels"][model["labels"]]
    return raw


def _with_own_files(raw: dict[str, Any]) -> dict[str, Any]:
    # Weights that come with Livelens need no download; everyone else wants a whole path.
    for model in raw["models"]:
        if "file" in model:
            model["file"] = str(resources.files("livelens.models").joinpath(model["file"]))
    return raw


@cache
def manifest() -> Manifest:
    """The manifest that ships with this version of Livelens, one file of it for each area."""
    raw: dict[str, Any] = {"labels": {}, "models": [], "clips": []}
    folder = resources.files("livelens.models").joinpath("cards")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            part = tomllib.loads(file.read_text("utf-8"))
            raw["labels"] |= part.get("labels", {})
            raw["models"] += part.get("models", [])
            raw["clips"] += part.get("clips", [])
    return msgspec.convert(_with_own_files(_with_label_names(raw)), Manifest)
