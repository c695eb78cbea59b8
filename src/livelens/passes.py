"""Two passes over a file: the first sees what there is to show, the second shows the best of it.

A live camera operator does not know the future; for a file there is no need to guess.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from livelens.errors import LivelensError, SinkError
from livelens.events import Result, Shown, decoded, encoded, shown
from livelens.flow.graph import check, stage_names
from livelens.framing.geometry import Field, Shot
from livelens.framing.lookout import Lookout
from livelens.media.soundtrack import add_sound
from livelens.progress import STREAM, follow, work
from livelens.sinks.paths import filled_in, parent_checked
from livelens.sinks.results import Results
from livelens.sources.file import File, opened, origin_ns
from livelens.spec import PipelineSpec, StageSpec
from livelens.stages.reframe import Reframe, ReframeStage
from livelens.stages.viewports import Viewports
from livelens.types import Viewport


def run(spec: PipelineSpec, *, passes: int, film: Path | None, quiet: bool = False) -> None:
    """Run a pipeline, and give its film the sound of the file that it was made from.

    Args:
        spec: the pipeline.
        passes: 2 as in `run_twice`.
        film: the file that a sink of the pipeline writes, if one does.
        quiet: no progress bar and no summary.

    Raises:
        LivelensError: the source breaks off, or something failed; what could be made stays.
    """
    before = _stamp(film)
    whole = False
    try:
        (run_twice if passes == 2 else follow)(spec, quiet=quiet)
        whole = True
    finally:
        if film is not None and _stamp(film) not in (None, before):
            _add_sound(film, spec, whole=whole)


def why_not_twice(spec: PipelineSpec) -> str | None:
    """Why a pipeline cannot have two passes; None if it can."""
    cameras = [stage for stage in spec.stages if isinstance(stage, Reframe)]
    if not cameras:
        return "nothing is reframed"
    if spec.source.live:
        return "a live source is not seen twice"
    if any(camera.method != "operator" for camera in cameras):
        return "only the method `operator` knows a best path"
    if any(sink.viewport is not None and sink.overlay is not None for sink in spec.sinks):
        return "what is drawn on framed pictures is known in the first pass only"
    return None


def run_twice(spec: PipelineSpec, *, quiet: bool = False) -> None:
    """Run a pipeline with reframing over a file: look, find the best path, then show it.

    Sinks that show what a camera shows, and JSON results, get the best path; all others have
    their items in the first pass.

    Raises:
        LivelensError: the file breaks off, or a pass failed; what could be made of it stays.
    """
    check(spec)
    films = tuple(sink for sink in spec.sinks if sink.viewport is not None)
    told = tuple(s for s in spec.sinks if isinstance(s, Results) and s.format == "jsonl")
    others = tuple(sink for sink in spec.sinks if sink not in films and sink not in told)
    for sink in (*films, *told):  # said now, not after the first pass
        if (path := getattr(sink, "path", "-")) != "-":
            parent_checked(filled_in(Path(path), STREAM))
    with TemporaryDirectory(prefix="livelens-") as folder:
        found, path = Path(folder, "found.jsonl"), Path(folder, "path.jsonl")
        stages, cameras = _looking(spec.stages)
        sinks = (*others, Results(name="first pass", path=str(found)))
        look = msgspec.structs.replace(spec, stages=stages, sinks=sinks)
        broke = _looked(look, cameras, quiet=quiet)
        frames = sum(len(camera.targets) for camera in cameras.values())
        words = f"{spec.source.label}: finding the best path"
        with work(words, frames, quiet=quiet) as advance:
            best = {name: camera.best(advance) for name, camera in cameras.items()}
            _write(path, _with_best(found, best))
            found.unlink()
        for sink in told:
            _tell(path, sink)
        if films:
            again = tuple(Viewports(name=n, camera=n, path=str(path)) for n in cameras)
            show = msgspec.structs.replace(spec, stages=again, sinks=films)
            follow(show, quiet=quiet, task="showing")
        if broke is not None:
            raise broke


def _looked(
    spec: PipelineSpec, cameras: Mapping[str, Lookout], *, quiet: bool
) -> LivelensError | None:
    """Run the first pass; what has been seen of a file that breaks off is worth showing."""
    try:
        follow(spec, quiet=quiet, task="looking")
    except LivelensError as error:
        broke_off = str(error).startswith(spec.source.label)
        if not (broke_off and _seen(cameras)):
            raise
        return error
    if not _seen(cameras):
        raise LivelensError(f"{spec.source.label}: no picture of it could be looked at")
    return None


def _seen(cameras: Mapping[str, Lookout]) -> bool:
    return all(camera.targets for camera in cameras.values())


def _add_sound(film: Path, spec: PipelineSpec, *, whole: bool) -> None:
    """A film without sound is better than none: what is wrong with the sound is only said."""
    if not isinstance(spec.source, File) or spec.source.live:
        return
    try:
        with opened(spec.source) as source:
            add_sound(film, source, origin_ns(spec.source), whole=whole)
    except LivelensError as error:
        print(f"livelens: {error}", file=sys.stderr, flush=True)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """Tells whether a file has been written to."""
    with suppress(OSError):
        if path is not None:
            now = path.stat()
            return now.st_ino, now.st_size, now.st_mtime_ns
    return None


def _looking(stages: Sequence[StageSpec]) -> tuple[tuple[StageSpec, ...], dict[str, Lookout]]:
    """The stages of the first pass, and what stands in for their cameras."""
    looking: list[StageSpec] = []
    cameras: dict[str, Lookout] = {}
    for stage, name in zip(stages, stage_names(stages), strict=True):
        if isinstance(stage, Reframe):
            cameras[name] = Lookout(stage.motion)
            looking.append(_noting(stage, name, cameras[name]))
        else:
            looking.append(stage)
    return tuple(looking), cameras


def _noting(spec: Reframe, name: str, camera: Lookout) -> Reframe:
    """The stage with another camera; it sees all that follows, and need not wait for it."""

    class Noting(Reframe, frozen=True, kw_only=True):
        def open(self) -> ReframeStage:
            return ReframeStage(self, camera)

    settings = {each.name: getattr(spec, each.name) for each in msgspec.structs.fields(spec)}
    return Noting(**settings | {"name": name, "lookahead_s": 0.0})


def _with_best(
    found: Path, best: Mapping[str, Mapping[int, tuple[Field, Shot]]]
) -> Iterator[bytes]:
    """The lines of the first pass, with the viewports of the best path."""
    with found.open("rb") as lines:
        for line in lines:
            message = decoded(line)
            if isinstance(message, Result):
                viewports = {
                    name: _best(each, *best[name][message.pts_ns], message.size_px)
                    if message.pts_ns in best.get(name, {})
                    else each
                    for name, each in message.viewports.items()
                }
                message = msgspec.structs.replace(message, viewports=viewports)
            yield encoded(message) + b"\n"


def _best(found: Shown, field: Field, shot: Shot, size_px: tuple[int, int]) -> Shown:
    view, largest = shot.view, (field.widest, field.highest)
    viewport = Viewport(
        view.left, view.top, view.width, view.height, field.aspect, largest,
        shot.cut, tuple(found.subjects), found.state,
    )  # fmt: skip
    return shown(viewport, size_px)


def _write(path: Path, lines: Iterator[bytes]) -> None:
    try:
        with path.open("wb") as file:
            file.writelines(lines)
    except OSError as error:
        raise SinkError(f"cannot write {path}: {error.strerror}") from None


def _tell(path: Path, sink: Results) -> None:
    """Write the results where they are wanted."""
    if sink.path == "-":
        with path.open(encoding="utf-8") as lines:
            sys.stdout.writelines(lines)
        return
    wanted = filled_in(Path(sink.path), STREAM)
    try:
        shutil.copyfile(path, wanted)
    except OSError as error:
        raise SinkError(f"cannot write {wanted}: {error.strerror}") from None
