"""Converts TensorFlow.js graph models (model.json and weight shards) to ONNX.

A small converter for the operations that detectors in published packages use, so that
nobody needs TensorFlow. TensorFlow keeps pictures as (N, H, W, C), ONNX as (N, C, H, W):
each tensor is tracked in whichever of the two it exists, and a transpose is written only
where an operation needs the other one. Arithmetic on constants is done here.

Formats: the TensorFlow.js model format (weightsManifest, quantisation) and the
TensorFlow operation definitions.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livelens.errors import ModelError

Constant = NDArray[Any]
Node = dict[str, Any]

_OPSET = 13
_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_, "uint8": np.uint8}


@dataclass(slots=True)
class Value:
    """A TensorFlow tensor: a constant, or ONNX tensors that hold it.

    Attributes:
        plain: ONNX name of the tensor with its own axes.
        nchw: ONNX name of the tensor whose plain form is its (N, H, W, C) transpose.
        constant: its value, where known.
    """

    plain: str | None = None
    nchw: str | None = None
    constant: Constant | None = None


@dataclass(slots=True)
class Graph:
    """The ONNX graph in the making."""

    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def add(self, op: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> list[str]:
        """Appends a node and returns the names of its outputs."""
        from onnx import helper

        names = [f"t{len(self.nodes)}_{index}" for index in range(count)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names

    def one(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Appends a node with one output."""
        return self.add(op, inputs, **attributes)[0]

    def constant(self, value: "Constant | np.generic") -> str:
        """Stores an array or a scalar and returns its name."""
        from onnx import numpy_helper

        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def ints(self, *values: int) -> str:
        """Stores a vector of int64."""
        return self.constant(np.array(values, np.int64))

    def plain(self, value: Value) -> str:
        """The tensor with its own axes, written out if it only exists as NCHW."""
        if value.plain is None:
            if value.constant is not None:
                value.plain = self.constant(_onnx_ready(value.constant))
            else:
                assert value.nchw is not None
                value.plain = self.one("Transpose", [value.nchw], perm=_TO_NHWC)
        return value.plain

    def nchw(self, value: Value) -> str:
        """The tensor as (N, C, H, W)."""
        if value.nchw is None:
            if value.constant is not None:
                value.nchw = self.constant(np.transpose(value.constant, _TO_NCHW))
            else:
                value.nchw = self.one("Transpose", [self.plain(value)], perm=_TO_NCHW)
        return value.nchw


def _onnx_ready(value: Constant) -> Constant:
    # ONNX wants shapes and indices in int64.
    return value.astype(np.int64) if value.dtype.kind in "iu" else value


def convert(
    model_json: Path,
    target: Path,
    *,
    input_node: str,
    input_shape: tuple[int, int, int],
    input_layout: str,
    outputs: Sequence[str],
) -> None:
    """Writes the part of a graph model between `input_node` and `outputs` as ONNX.

    Args:
        model_json: the model; its shards lie beside it.
        target: the file to write. Its input "input" is (N, C, H, W); N is open unless the
            graph itself fixes it at 1.
        input_node: the node that is replaced by the input.
        input_shape: (C, H, W) of the input.
        input_layout: "nhwc" or "nchw": the axes of `input_node` in the graph.
        outputs: nodes whose tensors become the outputs, in this order.

    Raises:
        ModelError: the files are damaged, or the graph has an unknown operation.
    """
    from onnx import TensorProto, helper, save, shape_inference

    nodes, weights = _read(model_json)
    builder = _Builder(nodes, weights)
    entry = Value(nchw="input") if input_layout == "nhwc" else Value(plain="input")
    builder.values[input_node] = [entry]
    graph = builder.graph
    names = [f"output{index}" for index in range(len(outputs))]
    for node, name in zip(outputs, names, strict=True):
        tensor = graph.plain(builder.value(node))
        graph.nodes.append(helper.make_node("Identity", [tensor], [name]))
    batch = 1 if _batch_of_one(nodes.get(input_node, {})) else "N"
    proto = helper.make_graph(
        graph.nodes,
        model_json.stem,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, *input_shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names],
        graph.initializers,
    )
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=8,
        producer_name="livelens",
    )
    save(shape_inference.infer_shapes(model, strict_mode=True), str(target))


def _batch_of_one(node: Node) -> bool:
    axes = node.get("attr", {}).get("shape", {}).get("shape", {}).get("dim") or []
    return bool(axes) and int(axes[0].get("size", -1)) == 1


def read_weights(manifest: Path) -> dict[str, Constant]:
    """The arrays of a weights manifest that stands alone, by name; its shards lie beside it.

    Raises:
        ModelError: the files are damaged.
    """
    try:
        return _weights(json.loads(manifest.read_text("utf-8")), manifest.parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{manifest.name} is not a TensorFlow.js weights manifest: {error}"
        ) from error


def _read(model_json: Path) -> tuple[dict[str, Node], dict[str, Constant]]:
    try:
        model = json.loads(model_json.read_text("utf-8"))
        nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        return nodes, _weights(model["weightsManifest"], model_json.parent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{model_json.name} is not a TensorFlow.js graph model: {error}"
        ) from error


def _weights(groups: list[Node], folder: Path) -> dict[str, Constant]:
    weights: dict[str, Constant] = {}
    for group in groups:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        offset = 0
        for spec in group["weights"]:
            weights[spec["name"]], offset = _weight(spec, data, offset)
    return weights


def _weight(spec: Node, data: bytes, offset: int) -> tuple[Constant, int]:
    shape = [int(axis) for axis in spec["shape"]]
    count = math.prod(shape)
    quantised = spec.get("quantization")
    stored = np.dtype(quantised["dtype"] if quantised else _DTYPES[spec["dtype"]]).newbyteorder("<")
    raw = np.frombuffer(data, stored, count, offset).reshape(shape)
    offset += count * stored.itemsize
    dtype = _DTYPES[spec["dtype"]]
    if quantised and "scale" in quantised:
        return (raw * quantised["scale"] + quantised.get("min", 0)).astype(dtype), offset
    return raw.astype(dtype), offset


class _Attributes:
    """A node's attributes, read from the JSON form of their protocol buffers."""

    def __init__(self, node: Node) -> None:
        self._raw: dict[str, Any] = node.get("attr") or {}

    def text(self, name: str, default: str = "") -> str:
        raw = self._raw.get(name, {}).get("s")
        if raw is None:
            return default
        # Bytes come as a list of numbers or as base64, by the version of the exporter.
        return bytes(raw).decode() if isinstance(raw, list) else base64.b64decode(raw).decode()

    def integer(self, name: str, default: int = 0) -> int:
        return int(self._raw.get(name, {}).get("i", default))

    def real(self, name: str, default: float) -> float:
        return float(self._raw.get(name, {}).get("f", default))

    def flag(self, name: str) -> bool:
        return bool(self._raw.get(name, {}).get("b", False))

    def integers(self, name: str) -> list[int]:
        return [int(i) for i in (self._raw.get(name, {}).get("list") or {}).get("i") or []]

    def texts(self, name: str) -> list[str]:
        raw = (self._raw.get(name, {}).get("list") or {}).get("s") or []
        return [
            bytes(s).decode() if isinstance(s, list) else base64.b64decode(s).decode() for s in raw
        ]


class _Builder:
    """Evaluates nodes on demand, from the outputs back to the input."""

    def __init__(self, nodes: dict[str, Node], weights: dict[str, Constant]) -> None:
        self.graph = Graph()
        self.values: dict[str, list[Value]] = {}
        self._nodes = nodes
        self._weights = weights

    def value(self, reference: str) -> Value:
        """The tensor that ``node:2`` or ``node`` names."""
        name, _, port = reference.partition(":")
        pending = [name]
        # A stack of our own: graphs are deeper than Python's recursion limit allows.
        while pending:
            current = pending[-1]
            if current in self.values:
                pending.pop()
                continue
            node = self._nodes.get(current)
            if node is None:
                raise ModelError(f"the graph has no node {current}")
            inputs = [i for i in node.get("input") or [] if not i.startswith("^")]
            missing = [i.partition(":")[0] for i in inputs]
            missing = [i for i in missing if i not in self.values]
            if missing:
                pending.extend(missing)
                continue
            self.values[current] = self._evaluate(node, [self.value(i) for i in inputs])
            pending.pop()
        return self.values[name][int(port or 0)]

    def _evaluate(self, node: Node, inputs: list[Value]) -> list[Value]:
        from livelens.models import tfjs_ops

        op = node["op"]
        if op == "Const":
            return [Value(constant=self._weights[node["name"]])]
        convert_op = tfjs_ops.OPERATIONS.get(op)
        if convert_op is None:
            raise ModelError(f"TensorFlow.js operation {op} (node {node['name']}) is not supported")
        return convert_op(self.graph, inputs, _Attributes(node))
