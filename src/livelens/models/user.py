"""Models that users bring: a file, described by its decoder, its labels and its own input."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from livelens.errors import ModelError, NotFound
from livelens.models.decoders import Decoder, decoder_named
from livelens.models.manifest import ModelCard, Preprocess, manifest
from livelens.models.preprocess import Size
from livelens.models.runner import TensorInfo


def read_labels(labels: Sequence[str] | str | None, decoder: Decoder) -> tuple[str, ...]:
    """Class names from a sequence, the name of a label set, or a text file, one on a line.

    Raises:
        NotFound: `labels` names neither a set nor a file.
        ModelError: the file is not text.
    """
    sets = manifest().labels
    if labels is None:
        return sets[decoder.labels]
    if not isinstance(labels, str):
        return tuple(labels)
    if labels in sets:
        return sets[labels]
    path = Path(labels)
    if not path.is_file():
        raise NotFound(f"no label set or file {labels!r}; the sets are {', '.join(sorted(sets))}")
    try:
        return tuple(line.strip() for line in path.read_text("utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not a text file: {error}") from error


def card_for_file(
    path: Path,
    decoder: str | None,
    labels: Sequence[str] | str | None,
    *,
    name: str | None = None,
    size_px: Size | None = None,
    licence: str = "",
) -> ModelCard:
    """Describes a model file by its decoder's customs and its own input.

    Raises:
        ModelError: no decoder is named, or the file cannot be read, or its input is no picture.
        NotFound: no such label set.
    """
    if decoder is None:
        raise ModelError(f"{path.name}: name the decoder of its outputs, such as yolox or ssd")
    known = decoder_named(decoder)
    return ModelCard(
        name=name or path.stem,
        description=f"{path.name}, added by the user",
        decoder=decoder,
        labels=read_labels(labels, known),
        input=_input_rule(path, known.input, size_px),
        licence=licence,
        file=str(path.resolve()),
        iou=known.iou,
    )


def _input_rule(path: Path, usual: Preprocess, size_px: Size | None) -> Preprocess:
    """The decoder's usual preprocessing, in the size and the layout that the file declares."""
    from livelens.models.openvino import describe_input

    tensor = describe_input(path)
    layout = _layout(path, tensor)
    height, width = tensor.shape[2:4] if layout == "nchw" else tensor.shape[1:3]
    if size_px is not None:
        width, height = size_px
    changes = {
        "layout": layout,
        "dtype": "uint8" if tensor.dtype == "uint8" else "float32",
        "width_px": width or usual.width_px,
        "height_px": height or usual.height_px,
    }
    return msgspec.structs.replace(usual, **changes)


def _layout(path: Path, tensor: TensorInfo) -> str:
    if len(tensor.shape) == 4:
        if tensor.shape[1] == 3:
            return "nchw"
        if tensor.shape[3] == 3:
            return "nhwc"
    shape = "x".join("?" if axis is None else str(axis) for axis in tensor.shape)
    raise ModelError(f"{path.name}: the input must be Nx3xHxW or NxHxWx3, it is {shape}")
