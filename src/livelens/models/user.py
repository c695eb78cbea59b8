"""Models that users bring: files described by a decoder and labels."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from livelens.errors import ModelError
from livelens.models.manifest import ModelCard

SUFFIXES = (".onnx", ".tflite", ".pb", ".xml")


def looks_like_path(name_or_path: str | Path) -> bool:
    """Whether the user means a file, not the name of a model."""
    return isinstance(name_or_path, Path) or name_or_path.endswith(SUFFIXES)


def user_cards(cache: Path) -> tuple[ModelCard, ...]:
    """The models that the user has added; see `livelens.models.zoo.add`.

    Raises:
        ModelError: the list is damaged.
    """
    path = cache / "user-models.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[ModelCard, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error


def card_for_file(path: Path, decoder: str | None, labels: Sequence[str] | str | None) -> ModelCard:
    """Describes a model file by its decoder's customs and its own input size."""
    raise ModelError(f"{path}: not yet")
