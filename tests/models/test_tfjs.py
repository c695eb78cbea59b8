"""The TensorFlow.js converter against TensorFlow's definitions, worked out here by hand."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livelens.errors import ModelError
from livelens.models.runner import RuntimeName, open_runner
from livelens.models.tfjs import convert

Array = NDArray[Any]
RUNTIMES: tuple[RuntimeName, ...] = ("openvino", "onnxruntime")
RNG = np.random.default_rng(7)


class Writer:
    """Writes a graph model: nodes in order, weights in two shards."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.specs: list[dict[str, Any]] = []
        self.data = b""

    def node(self, op: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append({"op": op, "name": name, "input": inputs, "attr": attributes})
        return name

    def const(self, name: str, value: Array, quantization: dict[str, Any] | None = None) -> str:
        spec: dict[str, Any] = {"name": name, "shape": list(value.shape)}
        spec["dtype"] = "int32" if value.dtype.kind == "i" else "float32"
        stored = value.astype("<i4" if spec["dtype"] == "int32" else "<f4")
        if quantization:
            spec["quantization"] = quantization
            scale, low = quantization.get("scale", 1.0), quantization.get("min", 0.0)
            levels = (value - low) / scale
            stored = (np.rint(levels) if "scale" in quantization else levels).astype(
                np.dtype(quantization["dtype"]).newbyteorder("<")
            )
        self.specs.append(spec)
        self.data += stored.tobytes()
        return self.node("Const", name, [])

    def write(self, folder: Path) -> Path:
        middle = len(self.data) // 2
        (folder / "a.bin").write_bytes(self.data[:middle])
        (folder / "b.bin").write_bytes(self.data[middle:])
        manifest = [{"paths": ["a.bin", "b.bin"], "weights": self.specs}]
        model = {"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}
        path = folder / "model.json"
        path.write_text(json.dumps(model))
        return path


def text(value: str) -> dict[str, Any]:
    return {"s": base64.b64encode(value.encode()).decode()}


def numbers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def window(stride: int, padding: str = "SAME") -> dict[str, Any]:
    return {"strides": numbers(1, stride, stride, 1), "padding": text(padding)}


def conv(x: Array, kernel: Array, stride: int, *, depthwise: bool = False) -> Array:
    """TensorFlow's convolution with padding SAME of (N, H, W, C)."""
    height, width = kernel.shape[:2]
    rows, columns = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    down = max(0, (rows - 1) * stride + height - x.shape[1])
    right = max(0, (columns - 1) * stride + width - x.shape[2])
    spread = [(down // 2, down - down // 2), (right // 2, right - right // 2)]
    padded = np.pad(x, [(0, 0), *spread, (0, 0)])
    out = []
    for row in range(rows):
        for column in range(columns):
            y, z = row * stride, column * stride
            part = padded[:, y : y + height, z : z + width]
            rule = "nhwc,hwcm->ncm" if depthwise else "nhwc,hwco->no"
            out.append(np.einsum(rule, part, kernel).reshape(len(x), -1))
    return np.stack(out, axis=1).reshape(len(x), rows, columns, -1)


def run(
    path: Path, target: Path, outputs: list[str], x: Array, runtime: RuntimeName
) -> list[NDArray[np.float32]]:
    """Converts, and runs on pictures (N, H, W, C)."""
    size = (x.shape[3], x.shape[1], x.shape[2])
    convert(path, target, input_node="x", input_shape=size, input_layout="nhwc", outputs=outputs)
    runner = open_runner(target, runtime=runtime, precision="f32")
    try:
        return runner(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    finally:
        runner.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_small_detector(runtime: RuntimeName, tmp_path: Path, cache: Path) -> None:
    """Plain, depthwise and fused convolutions, a norm, a residual, a head reshaped by Shape."""
    kernel, bias = RNG.normal(size=(3, 3, 2, 4)), RNG.normal(size=4)
    depth = RNG.normal(size=(3, 3, 4, 1))
    fused, fused_bias = RNG.normal(size=(1, 1, 4, 4)), RNG.normal(size=4)
    norm = [RNG.uniform(0.5, 2, size=4) for _ in range(4)]
    w = Writer()
    w.node("Placeholder", "x", [])
    w.const("k", kernel)
    w.const("b", bias)
    w.node("Conv2D", "c", ["x", "k"], **window(2))
    w.node("BiasAdd", "cb", ["c", "b"])
    w.node("Relu6", "r", ["cb"])
    w.const("d", depth)
    w.node("DepthwiseConv2dNative", "dw", ["r", "d"], **window(1))
    for name, value in zip(("g", "o", "m", "v"), norm, strict=True):
        w.const(name, value)
    w.node("FusedBatchNorm", "bn", ["dw", "g", "o", "m", "v"], epsilon={"f": 0.001})
    w.node("AddN", "sum", ["bn", "r"])
    w.const("fk", fused)
    w.const("fb", fused_bias)
    ops = {"list": {"s": [text("BiasAdd")["s"], text("Relu")["s"]]}}
    w.node("_FusedConv2D", "f", ["sum", "fk", "fb"], fused_ops=ops, **window(1))
    w.node("Shape", "shape", ["f"])
    for name, number in (("zero", 0), ("one", 1)):
        w.const(name, np.array([number], np.int32))
    mask = {"shrink_axis_mask": {"i": "1"}}
    w.node("StridedSlice", "n", ["shape", "zero", "one", "one"], **mask)
    w.const("rest", np.int32(-1) * np.ones((), np.int32))
    w.const("two", np.array(2, np.int32))
    w.node("Pack", "to", ["n", "rest", "two"], axis={"i": "0"})
    w.node("Reshape", "rows", ["f", "to"])
    w.node("Sigmoid", "y", ["rows", "^n"])

    x = RNG.normal(size=(2, 7, 6, 2)).astype(np.float32)
    r = np.clip(conv(x, kernel, 2) + bias, 0, 6)
    scale, offset, mean, variance = norm
    bn = (conv(r, depth, 1, depthwise=True) - mean) / np.sqrt(variance + 0.001) * scale + offset
    f = np.maximum(conv(bn + r, fused, 1) + fused_bias, 0)
    expected = 1 / (1 + np.exp(-f.reshape(2, -1, 2)))

    path, target = w.write(tmp_path), tmp_path / "m.onnx"
    (y,) = run(path, target, ["y"], x, runtime)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    (f_again,) = run(path, target, ["f"], x, runtime)
    np.testing.assert_allclose(f_again, f, atol=1e-4)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_quantised_weights_and_graphs_in_nchw(
    runtime: RuntimeName, tmp_path: Path, cache: Path
) -> None:
    """What converters from PyTorch write: transposes around every operation."""
    kernel = RNG.normal(size=(3, 3, 2, 3))
    low, step = float(kernel.min()), float(np.ptp(kernel)) / 255
    w = Writer()
    w.node("Placeholder", "x", [], shape={"shape": {"dim": [{"size": "1"}]}})
    w.const("back", np.array([0, 2, 3, 1], np.int32))
    w.const("forth", np.array([0, 3, 1, 2], np.int32))
    w.const("pads", np.array([[0, 0], [0, 0], [1, 1], [1, 1]], np.int32))
    w.const("k", kernel, {"dtype": "uint8", "scale": step, "min": low})
    w.const("h", np.array([0.5, -1.25, 2], np.float32), {"dtype": "float16"})
    w.node("Transpose", "x1", ["x", "forth"])
    w.node("Pad", "p", ["x1", "pads"])
    w.node("Transpose", "t", ["p", "back"])
    w.node("Conv2D", "c", ["t", "k"], **window(1, "VALID"))
    w.node("AddV2", "a", ["c", "h"])
    w.node("Transpose", "u", ["a", "forth"])
    w.node("LeakyRelu", "l", ["u"], alpha={"f": 0.1})
    w.node("Transpose", "t2", ["l", "back"])
    w.node("MaxPool", "mp", ["t2"], ksize=numbers(1, 2, 2, 1), **window(2, "VALID"))
    w.const("size", np.array([4, 6], np.int32))
    w.node("ResizeBilinear", "rb", ["mp", "size"], half_pixel_centers={"b": True})
    w.const("sizes", np.array([1, 2], np.int32))
    w.const("last", np.array(3, np.int32))
    w.node("SplitV", "s", ["rb", "sizes", "last"])
    w.node("ConcatV2", "y", ["s:1", "s:0", "last"])

    x = RNG.normal(size=(1, 4, 6, 2)).astype(np.float32)
    near = np.rint((kernel - low) / step) * step + low
    a = conv(x, near, 1) + np.array([0.5, -1.25, 2])
    leaky = np.where(a > 0, a, a * 0.1)
    pooled = leaky.reshape(1, 2, 2, 3, 2, 3).max(axis=(2, 4))
    out = run(w.write(tmp_path), tmp_path / "m.onnx", ["mp", "y"], x, runtime)
    np.testing.assert_allclose(out[0], pooled, atol=1e-4)
    doubled = upsampled(upsampled(pooled, 1), 2)[..., [1, 2, 0]]
    np.testing.assert_allclose(out[1], doubled, atol=1e-4)


def upsampled(x: Array, axis: int) -> Array:
    """Twice the size along an axis: bilinear, pixels have centres."""
    size = x.shape[axis]
    at = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, size - 1)
    shape = [1] * x.ndim
    shape[axis] = -1
    part = (at - low).reshape(shape)
    between: Array = np.take(x, low, axis) * (1 - part) + np.take(x, high, axis) * part
    return between


def convert_to_nothing(path: Path, outputs: list[str]) -> None:
    convert(
        path,
        path.with_name("never.onnx"),
        input_node="x",
        input_shape=(3, 8, 8),
        input_layout="nhwc",
        outputs=outputs,
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("keep", [False, True])
def test_a_small_classifier(keep: bool, runtime: RuntimeName, tmp_path: Path, cache: Path) -> None:
    """A mean over the picture, a clamp, dense layers plain and fused, a softmax."""
    kernel, dense, bias = RNG.normal(size=(1, 1, 3, 4)), RNG.normal(size=(4, 5)), RNG.normal(size=5)
    last = RNG.normal(size=(2, 5))
    w = Writer()
    w.node("Placeholder", "x", [])
    w.const("k", kernel)
    w.node("Conv2D", "c", ["x", "k"], **window(1))
    w.const("low", np.float32(-0.5) * np.ones(()))
    w.const("high", np.ones(()))
    w.node("Maximum", "clamped", ["c", "low"])
    w.node("Minimum", "both", ["clamped", "high"])
    w.const("axes", np.array([1, 2], np.int32))
    w.node("Mean", "mean", ["both", "axes"], keep_dims={"b": keep})
    source = "mean"
    if keep:
        w.node("Squeeze", "flat", ["mean"], squeeze_dims={"list": {"i": ["1", "2"]}})
        source = "flat"
    w.const("d", dense)
    w.const("b", bias)
    ops = {"list": {"s": [text("BiasAdd")["s"], text("Relu")["s"]]}}
    w.node("_FusedMatMul", "fc", [source, "d", "b"], fused_ops=ops)
    w.const("l", last)
    w.node("MatMul", "logits", ["fc", "l"], transpose_b={"b": True})
    w.node("Softmax", "y", ["logits"])

    x = RNG.normal(size=(2, 6, 5, 3)).astype(np.float32)
    mean = np.clip(conv(x, kernel, 1), -0.5, 1).mean(axis=(1, 2))
    logits = np.maximum(mean @ dense + bias, 0) @ last.T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    (y,) = run(w.write(tmp_path), tmp_path / "m.onnx", ["y"], x, runtime)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    w = Writer()
    w.node("Placeholder", "x", [])
    w.node("Cumsum", "odd", ["x"])
    with pytest.raises(ModelError, match=r"operation Cumsum \(node odd\) is not supported"):
        convert_to_nothing(w.write(tmp_path), ["odd"])
    assert not (tmp_path / "never.onnx").exists()


def test_a_missing_node_is_named(tmp_path: Path) -> None:
    w = Writer()
    w.node("Placeholder", "x", [])
    with pytest.raises(ModelError, match="no node elsewhere"):
        convert_to_nothing(w.write(tmp_path), ["elsewhere"])


@pytest.mark.parametrize("damage", ["short shard", "no shard", "not json", "no weights"])
def test_damaged_files(damage: str, tmp_path: Path) -> None:
    w = Writer()
    w.node("Placeholder", "x", [])
    w.const("k", np.ones(100, np.float32))
    path = w.write(tmp_path)
    if damage == "short shard":
        (tmp_path / "b.bin").write_bytes(b"1234")
    elif damage == "no shard":
        (tmp_path / "b.bin").unlink()
    elif damage == "not json":
        path.write_text("{")
    else:
        path.write_text('{"modelTopology": {"node": []}}')
    with pytest.raises(ModelError, match=r"model\.json is not a TensorFlow\.js graph model"):
        convert_to_nothing(path, ["k"])
