"""Operations of MediaPipe's .tflite files that OpenVINO does not know by itself."""

from openvino import Node, opset13
from openvino.frontend import ConversionExtension, NodeContext


def _transposed_convolution(node: NodeContext) -> list[object]:
    """Convolution2DTransposeBias: picture (1, H, W, C), kernel (out, h, w, C), bias (out,).

    MediaPipe's networks use it to double the size, with a kernel of 2×2; its options, a C
    struct that no reader decodes, then say stride 2.
    """
    picture, kernel, bias = (node.get_input(i) for i in range(3))
    steps = [int(axis.get_length()) for axis in kernel.get_partial_shape()][1:3]
    grown: Node = opset13.convolution_backprop_data(
        opset13.transpose(picture, [0, 3, 1, 2]),
        opset13.transpose(kernel, [3, 0, 1, 2]),
        strides=steps,
        auto_pad="same_upper",
    )
    summed: Node = opset13.add(opset13.transpose(grown, [0, 2, 3, 1]), bias)
    return [summed.output(0)]


def extensions() -> list[ConversionExtension]:
    """What to add to an `openvino.Core` before it reads a .tflite file."""
    return [ConversionExtension("Convolution2DTransposeBias", _transposed_convolution)]
