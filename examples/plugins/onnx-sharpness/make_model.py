"""Writes sharpness.onnx: the mean square of a Laplacian of the brightness.

python make_model.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

luma = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32) / 4
kernel = luma[None, :, None, None] * laplacian  # one convolution does both

graph = helper.make_graph(
    [
        helper.make_node("Conv", ["picture", "kernel"], ["edges"]),
        helper.make_node("Mul", ["edges", "edges"], ["energy"]),
        helper.make_node("ReduceMean", ["energy"], ["mean"], axes=[1, 2, 3], keepdims=0),
    ],
    "sharpness",
    [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, ["n", 3, 96, 96])],
    [helper.make_tensor_value_info("mean", onnx.TensorProto.FLOAT, ["n"])],
    [numpy_helper.from_array(kernel, "kernel")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, Path(__file__).parent / "src" / "onnx_sharpness" / "sharpness.onnx")
