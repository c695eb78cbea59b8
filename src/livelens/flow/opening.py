"""From a spec to the stage that a worker calls, in this process or in one of its own."""

from livelens.descriptor import DescriptorSpec
from livelens.flow.describing import Describing
from livelens.spec import Stage, StageSpec


def open_stage(spec: StageSpec) -> Stage:
    """Open a stage where its lane wants it.

    Raises:
        LivelensError: it cannot be opened as configured.
    """
    return open_here(spec)


def open_here(spec: StageSpec) -> Stage:
    """Open a stage in this process; a descriptor becomes a stage that describes.

    Raises:
        LivelensError: it cannot be opened as configured.
    """
    if isinstance(spec, DescriptorSpec):
        return Describing(spec, spec.open())
    return spec.open()
