"""Writes the ONNX graph of a face network whose package ships weights only.

The network is dlib's residual network for faces of 2017: 29 convolutions that turn an
aligned face of 150×150 pixels into 128 numbers, near one another for one person. The
package holds its weights as a TensorFlow.js weights manifest without a graph; this is the
graph, after the layers that dlib's author has published (dnn_face_recognition_ex).

Each convolution is followed by a scale layer, folded into it here. A block that halves its
input averages the short cut 2×2 and fills the channels that it lacks with zeros; where the
convolutions come out smaller than the short cut, they are filled with a row and a column.
"""

from pathlib import Path

import numpy as np

from livelens.errors import ModelError
from livelens.models.tfjs import Constant, Graph, read_weights

_OPSET = 13
_HWIO_TO_OIHW = (3, 2, 0, 1)
_BLOCKS = (
    "conv32_1", "conv32_2", "conv32_3",
    "conv64_down", "conv64_1", "conv64_2", "conv64_3",
    "conv128_down", "conv128_1", "conv128_2",
    "conv256_down", "conv256_1", "conv256_2", "conv256_down_out",
)  # fmt: skip


def convert(manifest: Path, target: Path, *, size_px: int) -> None:
    """Writes the network as ONNX: input "input" (N, 3, size, size), output (N, 128).

    Args:
        manifest: the weights manifest; its shards lie beside it.
        target: the file to write.
        size_px: width and height of the input.

    Raises:
        ModelError: the files are damaged, or are the weights of another network.
    """
    from onnx import TensorProto, checker, helper, save

    weights = read_weights(manifest)
    network = _Network(weights)
    try:
        tensor = network.embedding("input", size_px)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{manifest.name} holds no face recognition network: {error}") from error
    network.graph.nodes.append(helper.make_node("Identity", [tensor], ["output0"]))
    proto = helper.make_graph(
        network.graph.nodes,
        manifest.stem,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, size_px, size_px])],
        [
            helper.make_tensor_value_info(
                "output0", TensorProto.FLOAT, ["N", int(weights["fc"].shape[1])]
            )
        ],
        network.graph.initializers,
    )
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=8,
        producer_name="livelens",
    )
    checker.check_model(model, full_check=True)
    save(model, str(target))


class _Network:
    """Adds layers to a graph. Sizes are followed here, since zeros are filled in by them."""

    def __init__(self, weights: dict[str, Constant]) -> None:
        self.graph = Graph()
        self._weights = weights

    def embedding(self, tensor: str, size_px: int) -> str:
        out = self._convolution(tensor, "conv32_down", stride=2, relu=True)
        out = self.graph.one("MaxPool", [out], kernel_shape=(3, 3), strides=(2, 2))
        size = _valid(_valid(size_px, 7), 3)
        channels = self._weights["conv32_down/conv/filters"].shape[3]
        for block in _BLOCKS:
            if "down" in block:
                out, size = self._halving_block(out, block, size, channels)
            else:
                out = self._block(out, block)
            channels = self._weights[f"{block}/conv2/conv/filters"].shape[3]
        out = self.graph.one("Flatten", [self.graph.one("GlobalAveragePool", [out])], axis=1)
        return self.graph.one("MatMul", [out, self.graph.constant(self._weights["fc"])])

    def _block(self, tensor: str, name: str) -> str:
        out = self._convolution(tensor, f"{name}/conv1", stride=1, relu=True)
        out = self._convolution(out, f"{name}/conv2", stride=1, relu=False)
        return self.graph.one("Relu", [self.graph.one("Add", [out, tensor])])

    def _halving_block(self, tensor: str, name: str, size: int, channels: int) -> tuple[str, int]:
        out = self._convolution(tensor, f"{name}/conv1", stride=2, relu=True)
        out = self._convolution(out, f"{name}/conv2", stride=1, relu=False)
        pooled = self.graph.one("AveragePool", [tensor], kernel_shape=(2, 2), strides=(2, 2))
        lacking = size // 2 - _valid(size, 3)
        out = self._filled(out, rows=lacking)
        widened = self._weights[f"{name}/conv2/conv/filters"].shape[3] - channels
        pooled = self._filled(pooled, channels=widened)
        return self.graph.one("Relu", [self.graph.one("Add", [out, pooled])]), size // 2

    def _filled(self, tensor: str, *, channels: int = 0, rows: int = 0) -> str:
        if not channels and not rows:
            return tensor
        pads = self.graph.ints(0, 0, 0, 0, 0, channels, rows, rows)
        return self.graph.one("Pad", [tensor, pads])

    def _convolution(self, tensor: str, name: str, *, stride: int, relu: bool) -> str:
        filters = np.transpose(self._weights[f"{name}/conv/filters"], _HWIO_TO_OIHW)
        scale = self._weights[f"{name}/scale/weights"]
        bias = self._weights[f"{name}/conv/bias"] * scale + self._weights[f"{name}/scale/biases"]
        # A stride of 2 sees only whole windows; a stride of 1 keeps the size.
        border = filters.shape[2] // 2 if stride == 1 else 0
        out = self.graph.one(
            "Conv",
            [
                tensor,
                self.graph.constant(filters * scale[:, None, None, None]),
                self.graph.constant(bias),
            ],
            strides=(stride, stride),
            pads=(border,) * 4,
        )
        return self.graph.one("Relu", [out]) if relu else out


def _valid(size: int, kernel: int) -> int:
    """Rows that come out of a window of `kernel` moved by 2, none of it over the edge."""
    return (size - kernel) // 2 + 1
