"""Models beside the manifest: those that plug-ins bring, and those that the user has added."""

import os
import re
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import msgspec
import structlog

from livelens.errors import ModelError
from livelens.models.fetch import locked
from livelens.models.manifest import ModelCard
from livelens.models.runner import MODEL_SUFFIXES

log = structlog.get_logger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def looks_like_path(name_or_path: str | Path) -> bool:
    """Whether the user means a file, not the name of a model."""
    return isinstance(name_or_path, Path) or name_or_path.endswith(MODEL_SUFFIXES)


def check_name(name: str) -> None:
    """Refuses what cannot name a model.

    Raises:
        ModelError: the name would be taken for a file, or holds odd characters.
    """
    if not _NAME.fullmatch(name) or looks_like_path(name):
        raise ModelError(
            f"{name!r} cannot name a model: use a-z, 0-9, '-', '_', '.', and no file suffix"
        )


def plugin_cards() -> tuple[ModelCard, ...]:
    """The models of plug-ins: entry points ``livelens.models``, each a `ModelCard`.

    A plug-in that cannot be loaded, or is no card, is logged and left out.
    """
    cards = []
    for entry in entry_points(group="livelens.models"):
        try:
            card = entry.load()
        except Exception as error:  # noqa: BLE001 - a plug-in's module may raise anything
            log.warning("model plug-in cannot be loaded", plugin=entry.name, reason=str(error))
            continue
        if isinstance(card, ModelCard):
            cards.append(card)
        else:
            log.warning("model plug-in is no ModelCard", plugin=entry.name)
    return tuple(cards)


def user_cards(cache: Path) -> tuple[ModelCard, ...]:
    """The models that the user has added; see `livelens.models.zoo.add`.

    Raises:
        ModelError: the list is damaged.
    """
    path = _list_path(cache)
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[ModelCard, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"the list of added models {path} cannot be read: {error}") from error


def register(cache: Path, card: ModelCard) -> None:
    """Adds a card to the user's list, or replaces the one of the same name."""
    path = _list_path(cache)
    with locked("user-models"):
        others = [other for other in user_cards(cache) if other.name != card.name]
        handle, scratch = tempfile.mkstemp(prefix=path.name, dir=cache)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode([*others, card])))
        Path(scratch).replace(path)


def _list_path(cache: Path) -> Path:
    return cache / "user-models.json"
