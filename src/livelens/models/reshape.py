"""Gives an ONNX file another input size, for files that declare one they do not need."""

from pathlib import Path

from livelens.errors import ModelError


def reshape_onnx(source: Path, target: Path, size: tuple[int, int, int]) -> None:
    """Writes `source` with its input declared as (N, C, H, W), N open.

    Sizes that follow from the declared one are dropped: the runtime works them out.

    Args:
        source: a model whose operations take any size.
        target: the file to write.
        size: (C, H, W).

    Raises:
        ModelError: the file is damaged.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(str(source))
    except DecodeError as error:
        raise ModelError(f"{source.name} is not an ONNX file: {error}") from error
    axes = model.graph.input[0].type.tensor_type.shape.dim
    axes[0].Clear()
    axes[0].dim_param = "N"
    for axis, length in zip(axes[1:], size, strict=True):
        axis.dim_value = length
    for output in model.graph.output:
        for axis in output.type.tensor_type.shape.dim:
            axis.Clear()
    del model.graph.value_info[:]
    onnx.save(model, str(target))
