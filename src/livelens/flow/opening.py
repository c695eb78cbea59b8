"""From a spec to the stage that a worker calls, in this process or in one of its own."""

from collections.abc import Callable

from livelens.descriptor import Descriptor, DescriptorSpec
from livelens.errors import StageError
from livelens.flow.describing import Describing
from livelens.flow.process.stage import ProcessStage
from livelens.spec import Stage, StageSpec


def open_stage(spec: StageSpec, *, began: Callable[[ProcessStage], None] = lambda _: None) -> Stage:
    """Open a stage where its lane wants it.

    Args:
        spec: the stage.
        began: told of a process as soon as there is one, so that it can be killed while the
            stage opens.

    Raises:
        LivelensError: it cannot be opened as configured, or opens into something else.
    """
    if spec.lane == "thread":
        return open_here(spec)
    stage = ProcessStage(spec)
    began(stage)
    stage.open()
    return stage


def open_here(spec: StageSpec) -> Stage:
    """Open a stage in this process; a descriptor becomes a stage that describes.

    Raises:
        LivelensError: it cannot be opened as configured, or opens into something else.
    """
    if isinstance(spec, DescriptorSpec):
        descriptor = spec.open()
        if not isinstance(descriptor, Descriptor):
            raise _wrong(spec, descriptor, "describe")
        return Describing(spec, descriptor)
    stage = spec.open()
    if not isinstance(stage, Stage):
        raise _wrong(spec, stage, "process")
    return stage


def _wrong(spec: StageSpec, opened: object, verb: str) -> StageError:
    wanted = f"an object with {verb}() and close()"
    return StageError(f"{type(spec).__name__}.open() gives {type(opened).__name__}, not {wanted}")
