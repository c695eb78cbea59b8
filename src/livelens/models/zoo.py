"""The zoo: models by name, fetched at first use, verified, converted, cached; and users' own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from livelens.errors import DownloadError, ModelError, NotFound
from livelens.models import fetch
from livelens.models.fetch import Progress, cache_dir, fault_in, locked, package_folder, silent
from livelens.models.manifest import ClipCard, ModelCard, manifest
from livelens.models.runner import Precision, RuntimeName, open_runner

if TYPE_CHECKING:
    from livelens.models.detector import Detector

# Raised whenever the converters change what they write: older results are made anew.
_CONVERTER = 1


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model and whether it is here.

    Attributes:
        card: what the manifest says.
        cached: every file of it is in the cache (their content is what `verify` checks).
        folder: where its files are or will be.
    """

    card: ModelCard
    cached: bool
    folder: Path


def list_models() -> list[ModelStatus]:
    """Every model of the manifest, then the user's own."""
    return [_status(card) for card in (*manifest().models, *_user_cards())]


def model_card(name: str) -> ModelCard:
    """What is known about a model.

    Raises:
        NotFound: no model has that name; the message names those that there are.
    """
    cards = {card.name: card for card in (*manifest().models, *_user_cards())}
    if name not in cards:
        raise NotFound(f"no model {name!r}; there are {', '.join(sorted(cards))}")
    return cards[name]


def pull(name: str, progress: Progress = silent) -> Path:
    """Makes a model, or a clip, ready for use and returns the file to load.

    What is in the cache and exact is not fetched again; damaged files are.

    Raises:
        NotFound: no model or clip has that name.
        DownloadError: its package cannot be had, or is not what the manifest says.
    """
    for clip in manifest().clips:
        if clip.name == name:
            return _pull_clip(clip, progress)
    card = model_card(name)
    if card.package is None:
        return Path(card.file)
    folder = fetch.fetch(name, card.package, progress)
    if card.convert is None:
        return folder / card.package.files[0].name
    with locked(name):
        return _converted(card, folder)


def clip(name: str, progress: Progress = silent) -> Path:
    """Makes a sample clip ready and returns its file; raises as `pull` does."""
    for card in manifest().clips:
        if card.name == name:
            return _pull_clip(card, progress)
    names = ", ".join(card.name for card in manifest().clips)
    raise NotFound(f"no clip {name!r}; there are {names}")


def verify(name: str) -> None:
    """Checks every cached file of a model against the manifest.

    Raises:
        NotFound: no model has that name.
        ModelError: a file is missing or differs; the message says which and what to do.
    """
    card = model_card(name)
    if card.package is None:
        if not Path(card.file).is_file():
            raise ModelError(f"{name}: {card.file} is missing; add it again")
        return
    folder = package_folder(name, card.package)
    for file in card.package.files:
        fault = fault_in(folder / file.name, file)
        if fault is not None:
            raise DownloadError(f"{name}: {file.name}: {fault}; run 'livelens models pull {name}'")


def load(
    name_or_path: str | Path,
    *,
    runtime: RuntimeName = "auto",
    device: str = "cpu",
    threads: int = 0,
    streams: int = 1,
    precision: Precision = "auto",
    confidence: float | None = None,
    iou: float | None = None,
    decoder: str | None = None,
    labels: Sequence[str] | str | None = None,
    progress: Progress = silent,
) -> "Detector":
    """Opens a detector, fetching its model if it is not here.

    Args:
        name_or_path: a name from `list_models`, or a model file; a file needs `decoder`.
        runtime, device, threads, streams, precision: see `open_runner`.
        confidence, iou: thresholds, 0..1; None for the model's own.
        decoder: a name in `DECODERS`, for a file.
        labels: class names, or the name of a label set, for a file.
        progress: told about the download.

    Raises:
        NotFound: no model has that name.
        DownloadError: its package cannot be had.
        ModelError: the file cannot be loaded, or the decoder does not fit it.
    """
    from livelens.models.decoders import decoder_named
    from livelens.models.decoders.boxes import Thresholds
    from livelens.models.detector import Detector
    from livelens.models.user import card_for_file, looks_like_path

    if looks_like_path(name_or_path):
        card = card_for_file(Path(name_or_path), decoder, labels)
        path = Path(name_or_path)
    else:
        card = model_card(str(name_or_path))
        path = pull(card.name, progress)
    rule = card.input
    chw = (3, rule.height_px, rule.width_px)
    axes = chw if rule.layout == "nchw" else (*chw[1:], 3)
    runner = open_runner(
        path,
        runtime=runtime,
        device=device,
        threads=threads,
        streams=streams,
        precision=precision,
        input_shape=(1, *axes),
    )
    return Detector(
        card.name,
        runner,
        rule,
        decoder_named(card.decoder).decode,
        card.labels,
        Thresholds(
            card.confidence if confidence is None else confidence,
            card.iou if iou is None else iou,
        ),
    )


def _status(card: ModelCard) -> ModelStatus:
    if card.package is None:
        path = Path(card.file)
        return ModelStatus(card, path.is_file(), path.parent)
    folder = package_folder(card.name, card.package)
    here = all((folder / file.name).is_file() for file in card.package.files)
    return ModelStatus(card, here, folder)


def _pull_clip(card: ClipCard, progress: Progress) -> Path:
    return fetch.fetch(card.name, card.package, progress) / card.package.files[0].name


class _Converted(msgspec.Struct, frozen=True):
    """Says which converter made the file beside it, and its sha256."""

    converter: int
    sha256: str


def _converted(card: ModelCard, folder: Path) -> Path:
    target, note = folder / "model.onnx", folder / "model.json.converted"
    try:
        made = msgspec.json.decode(note.read_bytes(), type=_Converted)
        if made.converter == _CONVERTER and made.sha256 == fetch.sha256_of(target):
            return target
    except (OSError, msgspec.DecodeError):
        pass
    scratch = folder / "model.onnx.part"
    _convert(card, folder, scratch)
    note.write_bytes(msgspec.json.encode(_Converted(_CONVERTER, fetch.sha256_of(scratch))))
    scratch.replace(target)
    return target


def _convert(card: ModelCard, folder: Path, target: Path) -> None:
    assert card.convert is not None
    assert card.package is not None
    source = folder / card.package.files[0].name
    size = (3, card.input.height_px, card.input.width_px)
    if card.convert.format == "tfjs":
        from livelens.models.tfjs import convert

        convert(
            source,
            target,
            input_node=card.convert.input,
            input_shape=size,
            input_layout=card.convert.input_layout,
            outputs=card.convert.outputs,
        )
    else:
        from livelens.models.reshape import reshape_onnx

        reshape_onnx(source, target, size)


def _user_cards() -> tuple[ModelCard, ...]:
    from livelens.models.user import user_cards

    return user_cards(cache_dir())
