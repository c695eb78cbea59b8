"""Tiny ONNX models whose outputs the tests choose."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def constant_model(
    path: Path,
    outputs: Sequence[NDArray[Any]],
    *,
    input_shape: Sequence[int | str] = ("N", 3, 64, 64),
) -> Path:
    """A model that gives `outputs` (each without the batch axis) for every picture."""
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    infos: list[onnx.ValueInfoProto] = []
    nodes.append(helper.make_node("ReduceMax", ["images"], ["top"], axes=[1, 2, 3], keepdims=0))
    initializers.append(numpy_helper.from_array(np.array(0, np.float32), "zero"))
    nodes.append(helper.make_node("Mul", ["top", "zero"], ["zeros"]))
    for index, output in enumerate(outputs):
        value = np.asarray(output, np.float32)
        axis = np.arange(1, value.ndim + 1, dtype=np.int64)
        initializers += [
            numpy_helper.from_array(value[None], f"value{index}"),
            numpy_helper.from_array(axis, f"axis{index}"),
        ]
        nodes += [
            helper.make_node("Unsqueeze", ["zeros", f"axis{index}"], [f"zeros{index}"])
            if value.ndim
            else helper.make_node("Identity", ["zeros"], [f"zeros{index}"]),
            helper.make_node("Add", [f"zeros{index}", f"value{index}"], [f"output{index}"]),
        ]
        shape = [input_shape[0], *value.shape]
        infos.append(helper.make_tensor_value_info(f"output{index}", TensorProto.FLOAT, shape))
    graph = helper.make_graph(
        nodes,
        "constants",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(input_shape))],
        infos,
        initializers,
    )
    return save(path, graph)


def sum_model(path: Path, *, batch: int | str = "N") -> Path:
    """A model that gives the sum of each channel: (N, 3, 8, 8) → (N, 3)."""
    node = helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=0)
    size = numpy_helper.from_array(np.array(64, np.float32), "size")
    graph = helper.make_graph(
        [node, helper.make_node("Mul", ["means", "size"], ["sums"])],
        "sums",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("sums", TensorProto.FLOAT, [batch, 3])],
        [size],
    )
    return save(path, graph)


def save(path: Path, graph: onnx.GraphProto) -> Path:
    """Writes and checks a graph."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
