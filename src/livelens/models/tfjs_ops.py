"""The TensorFlow operations that `tfjs` converts, one function each."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from livelens.errors import ModelError
from livelens.models.tfjs import Constant, Graph, Value

if TYPE_CHECKING:
    from livelens.models.tfjs import _Attributes as Attributes

Operation = Callable[[Graph, list[Value], "Attributes"], list[Value]]


def _known(value: Value, what: str) -> Constant:
    if value.constant is None:
        raise ModelError(f"TensorFlow.js graph: {what} must be a constant")
    return value.constant


def _ints(value: Value, what: str) -> list[int]:
    return [int(i) for i in np.atleast_1d(_known(value, what))]


def _pictures(attributes: "Attributes") -> None:
    if attributes.text("data_format", "NHWC") != "NHWC":
        raise ModelError("TensorFlow.js graph: only data_format NHWC is supported")


def _padding(attributes: "Attributes") -> dict[str, str]:
    modes = {"SAME": "SAME_UPPER", "VALID": "VALID"}
    mode = attributes.text("padding")
    if mode not in modes:
        raise ModelError(f"TensorFlow.js graph: padding {mode} is not supported")
    return {"auto_pad": modes[mode]}


def _conv(graph: Graph, inputs: list[Value], attributes: "Attributes", *, depthwise: bool) -> Value:
    _pictures(attributes)
    kernel = _known(inputs[1], "a kernel")
    height, width, channels, multiplier = kernel.shape
    if depthwise:
        weights = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    else:
        weights = kernel.transpose(3, 2, 0, 1)
    result = graph.one(
        "Conv",
        [graph.nchw(inputs[0]), graph.constant(weights)],
        kernel_shape=[height, width],
        strides=attributes.integers("strides")[1:3],
        dilations=(attributes.integers("dilations") or [1, 1, 1, 1])[1:3],
        group=channels if depthwise else 1,
        **_padding(attributes),
    )
    return Value(nchw=result)


def _conv_spatial(graph: Graph, inputs: list[Value], attributes: "Attributes") -> Value:
    return _conv(graph, inputs, attributes, depthwise=False)


def _conv_depthwise(graph: Graph, inputs: list[Value], attributes: "Attributes") -> Value:
    return _conv(graph, inputs, attributes, depthwise=True)


def _conv2d(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    return [_conv_spatial(graph, inputs, attributes)]


def _depthwise(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    return [_conv_depthwise(graph, inputs, attributes)]


def _fused(main: Callable[[Graph, list[Value], "Attributes"], Value]) -> Operation:
    def convert(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
        result = main(graph, inputs, attributes)
        rest = inputs[2:]
        for name in attributes.texts("fused_ops"):
            if name == "BiasAdd":
                result = _binary("Add", np.add)(graph, [result, rest.pop(0)], attributes)[0]
            elif name == "Prelu":
                slope = graph.nchw(Value(constant=_as_pixel(_known(rest.pop(0), "a slope"))))
                result = Value(nchw=graph.one("PRelu", [graph.nchw(result), slope]))
            elif name in OPERATIONS:
                result = OPERATIONS[name](graph, [result], attributes)[0]
            else:
                raise ModelError(f"TensorFlow.js operation {name} in a fused one is not supported")
        return [result]

    return convert


def _as_pixel(constant: Constant) -> Constant:
    return constant.reshape((1,) * (4 - constant.ndim) + constant.shape)


def _unary(op: str, fold: Callable[[Constant], Constant] | None = None) -> Operation:
    def convert(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
        value = inputs[0]
        if value.constant is not None and fold is not None:
            return [Value(constant=fold(value.constant))]
        if value.nchw is not None:
            return [Value(nchw=graph.one(op, [value.nchw]))]
        return [Value(plain=graph.one(op, [graph.plain(value)]))]

    return convert


def _relu6(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    bounds = [graph.constant(np.float32(0)), graph.constant(np.float32(6))]
    value = inputs[0]
    if value.nchw is not None:
        return [Value(nchw=graph.one("Clip", [value.nchw, *bounds]))]
    return [Value(plain=graph.one("Clip", [graph.plain(value), *bounds]))]


def _leaky_relu(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    alpha = attributes.real("alpha", 0.2)
    value = inputs[0]
    if value.nchw is not None:
        return [Value(nchw=graph.one("LeakyRelu", [value.nchw], alpha=alpha))]
    return [Value(plain=graph.one("LeakyRelu", [graph.plain(value)], alpha=alpha))]


def _binary(op: str, fold: Callable[..., Constant]) -> Operation:
    def convert(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
        left, right = inputs
        if left.constant is not None and right.constant is not None:
            return [Value(constant=np.asarray(fold(left.constant, right.constant)))]
        if all(_has_nchw(value) for value in inputs):
            names = [
                value.nchw or graph.constant(_pixel_nchw(_known(value, "an operand")))
                for value in inputs
            ]
            return [Value(nchw=graph.one(op, names))]
        return [Value(plain=graph.one(op, [graph.plain(left), graph.plain(right)]))]

    return convert


def _has_nchw(value: Value) -> bool:
    return value.nchw is not None or (value.constant is not None and value.constant.ndim <= 4)


def _pixel_nchw(constant: Constant) -> Constant:
    return _as_pixel(constant).transpose(0, 3, 1, 2)


def _add_n(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    total = inputs[0]
    for value in inputs[1:]:
        total = _binary("Add", np.add)(graph, [total, value], attributes)[0]
    return [total]


def _batch_norm(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    _pictures(attributes)
    names = [graph.constant(_known(value, "a batch norm's parameter")) for value in inputs[1:5]]
    epsilon = attributes.real("epsilon", 1e-4)
    return [
        Value(
            nchw=graph.one("BatchNormalization", [graph.nchw(inputs[0]), *names], epsilon=epsilon)
        )
    ]


def _reshape(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    value, shape = inputs
    if value.constant is not None and shape.constant is not None:
        return [Value(constant=value.constant.reshape(_ints(shape, "a shape")))]
    return [Value(plain=graph.one("Reshape", [graph.plain(value), graph.plain(shape)]))]


def _shape(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    value = inputs[0]
    if value.constant is not None:
        return [Value(constant=np.array(value.constant.shape, np.int64))]
    if value.plain is None and value.nchw is not None:
        axes = graph.ints(*(0, 2, 3, 1))
        return [Value(plain=graph.one("Gather", [graph.one("Shape", [value.nchw]), axes]))]
    return [Value(plain=graph.one("Shape", [graph.plain(value)]))]


def _strided_slice(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    """One axis only, which is all that arithmetic on shapes needs."""
    begin, end, step = (_ints(value, "a slice")[0] for value in inputs[1:4])
    shrink = attributes.integer("shrink_axis_mask") == 1
    if attributes.integer("begin_mask"):
        begin = 0
    if attributes.integer("end_mask"):
        end = np.iinfo(np.int32).max
    value = inputs[0]
    if value.constant is not None:
        part = value.constant[begin] if shrink else value.constant[begin:end:step]
        return [Value(constant=np.asarray(part))]
    if shrink:
        index = graph.constant(np.int64(begin))
        return [Value(plain=graph.one("Gather", [graph.plain(value), index], axis=0))]
    bounds = [graph.ints(number) for number in (begin, end, 0, step)]
    return [Value(plain=graph.one("Slice", [graph.plain(value), *bounds]))]


def _slice(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    begin, size = _ints(inputs[1], "a slice"), _ints(inputs[2], "a slice")
    far = np.iinfo(np.int64).max
    ends = [far if s == -1 else b + s for b, s in zip(begin, size, strict=True)]
    axes = list(range(len(begin)))
    bounds = [graph.ints(*numbers) for numbers in (begin, ends, axes)]
    return [Value(plain=graph.one("Slice", [graph.plain(inputs[0]), *bounds]))]


def _pack(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    axis = attributes.integer("axis")
    if all(value.constant is not None for value in inputs):
        return [Value(constant=np.stack([_known(value, "") for value in inputs], axis))]
    parts = [graph.one("Unsqueeze", [graph.plain(value), graph.ints(axis)]) for value in inputs]
    return [Value(plain=graph.one("Concat", parts, axis=axis))]


def _unpack(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    axis, count = attributes.integer("axis"), attributes.integer("num")
    value = inputs[0]
    if value.constant is not None:
        return [Value(constant=np.take(value.constant, i, axis)) for i in range(count)]
    source = graph.plain(value)
    return [
        Value(plain=graph.one("Gather", [source, graph.constant(np.int64(i))], axis=axis))
        for i in range(count)
    ]


def _concat(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    axis = _ints(inputs[-1], "an axis")[0]
    parts = inputs[:-1]
    if all(value.constant is not None for value in parts):
        return [Value(constant=np.concatenate([_known(value, "") for value in parts], axis))]
    if all(value.plain is None and value.nchw is not None for value in parts):
        nchw_axis = (0, 2, 3, 1)[axis]
        names = [graph.nchw(value) for value in parts]
        return [Value(nchw=graph.one("Concat", names, axis=nchw_axis))]
    return [Value(plain=graph.one("Concat", [graph.plain(value) for value in parts], axis=axis))]


def _split(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    sizes, axis = _ints(inputs[1], "a split"), _ints(inputs[2], "an axis")[0]
    names = graph.add(
        "Split", [graph.plain(inputs[0]), graph.ints(*sizes)], count=len(sizes), axis=axis
    )
    return [Value(plain=name) for name in names]


def _transpose(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    order = _ints(inputs[1], "a permutation")
    value = inputs[0]
    if value.constant is not None:
        return [Value(constant=value.constant.transpose(order))]
    if order == [0, 2, 3, 1]:
        return [Value(nchw=graph.plain(value))]
    if order == [0, 3, 1, 2] and value.nchw is not None:
        return [Value(plain=value.nchw)]
    return [Value(plain=graph.one("Transpose", [graph.plain(value)], perm=order))]


def _squeeze(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    axes = attributes.integers("squeeze_dims")
    value = inputs[0]
    if value.constant is not None:
        return [Value(constant=np.squeeze(value.constant, tuple(axes) if axes else None))]
    source = [graph.plain(value)]
    return [Value(plain=graph.one("Squeeze", [*source, graph.ints(*axes)] if axes else source))]


def _expand_dims(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    axis = _ints(inputs[1], "an axis")[0]
    value = inputs[0]
    if value.constant is not None:
        return [Value(constant=np.expand_dims(value.constant, axis))]
    return [Value(plain=graph.one("Unsqueeze", [graph.plain(value), graph.ints(axis)]))]


def _tile(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    value, repeats = inputs
    if value.constant is not None and repeats.constant is not None:
        return [Value(constant=np.tile(value.constant, _ints(repeats, "repeats")))]
    return [Value(plain=graph.one("Tile", [graph.plain(value), graph.plain(repeats)]))]


def _pad(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    amounts = _known(inputs[1], "a padding").astype(np.int64)
    fill = graph.constant(
        np.float32(_known(inputs[2], "a fill value")) if len(inputs) > 2 else np.float32(0)
    )
    value = inputs[0]
    if value.plain is None and value.nchw is not None:
        amounts = amounts[[0, 3, 1, 2]]
        pads = graph.ints(*amounts[:, 0], *amounts[:, 1])
        return [Value(nchw=graph.one("Pad", [value.nchw, pads, fill]))]
    pads = graph.ints(*amounts[:, 0], *amounts[:, 1])
    return [Value(plain=graph.one("Pad", [graph.plain(value), pads, fill]))]


def _max_pool(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    _pictures(attributes)
    result = graph.one(
        "MaxPool",
        [graph.nchw(inputs[0])],
        kernel_shape=attributes.integers("ksize")[1:3],
        strides=attributes.integers("strides")[1:3],
        **_padding(attributes),
    )
    return [Value(nchw=result)]


def _resize(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    height, width = _ints(inputs[1], "a size")
    if attributes.flag("align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if attributes.flag("half_pixel_centers") else "asymmetric"
    source = graph.nchw(inputs[0])
    batch_and_channels = graph.one(
        "Slice", [graph.one("Shape", [source]), graph.ints(0), graph.ints(2)]
    )
    sizes = graph.one("Concat", [batch_and_channels, graph.ints(height, width)], axis=0)
    result = graph.one(
        "Resize", [source, "", "", sizes], mode="linear", coordinate_transformation_mode=mode
    )
    return [Value(nchw=result)]


def _sparse_to_dense(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    index, shape, values, default = (_known(value, "a sparse tensor") for value in inputs)
    dense = np.full([int(axis) for axis in shape], default)
    places = index.astype(np.int64).reshape(-1, dense.ndim)
    dense[tuple(places.T)] = values
    return [Value(constant=dense)]


def _identity(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    return [inputs[0]]


def _mean(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    value, axes = inputs[0], _ints(inputs[1], "axes")
    keep = int(attributes.flag("keep_dims"))
    if value.constant is not None:
        mean = value.constant.mean(axis=tuple(axes), keepdims=bool(keep))
        return [Value(constant=np.asarray(mean, value.constant.dtype))]
    if value.nchw is not None and sorted(axes) == [1, 2]:
        result = graph.one("ReduceMean", [value.nchw], axes=[2, 3], keepdims=keep)
        return [Value(nchw=result) if keep else Value(plain=result)]
    return [Value(plain=graph.one("ReduceMean", [graph.plain(value)], axes=axes, keepdims=keep))]


def _mat_mul(graph: Graph, inputs: list[Value], attributes: "Attributes") -> Value:
    left, right = inputs[:2]
    names = [graph.plain(left), graph.plain(right)]
    for index, flag in enumerate(("transpose_a", "transpose_b")):
        if attributes.flag(flag):
            names[index] = graph.one("Transpose", [names[index]], perm=[1, 0])
    return Value(plain=graph.one("MatMul", names))


def _plain_mat_mul(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    return [_mat_mul(graph, inputs, attributes)]


def _softmax(graph: Graph, inputs: list[Value], attributes: "Attributes") -> list[Value]:
    return [Value(plain=graph.one("Softmax", [graph.plain(inputs[0])], axis=-1))]


OPERATIONS: Mapping[str, Operation] = {
    "Add": _binary("Add", np.add),
    "AddN": _add_n,
    "AddV2": _binary("Add", np.add),
    "BiasAdd": _binary("Add", np.add),
    "ConcatV2": _concat,
    "Conv2D": _conv2d,
    "DepthwiseConv2dNative": _depthwise,
    "Exp": _unary("Exp", np.exp),
    "ExpandDims": _expand_dims,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "FusedDepthwiseConv2dNative": _fused(_conv_depthwise),
    "Identity": _identity,
    "LeakyRelu": _leaky_relu,
    "MaxPool": _max_pool,
    "MatMul": _plain_mat_mul,
    "Maximum": _binary("Max", np.maximum),
    "Mean": _mean,
    "Minimum": _binary("Min", np.minimum),
    "Mul": _binary("Mul", np.multiply),
    "Pack": _pack,
    "Pad": _pad,
    "PadV2": _pad,
    "Relu": _unary("Relu"),
    "Relu6": _relu6,
    "Reshape": _reshape,
    "ResizeBilinear": _resize,
    "Shape": _shape,
    "Sigmoid": _unary("Sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax,
    "SparseToDense": _sparse_to_dense,
    "SplitV": _split,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Sub": _binary("Sub", np.subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Unpack": _unpack,
    "_FusedConv2D": _fused(_conv_spatial),
    "_FusedMatMul": _fused(_mat_mul),
}
