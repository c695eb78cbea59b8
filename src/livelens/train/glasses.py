"""Trains the glasses network: pictures in, an ONNX file out.

Seven convolutions, about 114 000 weights. What it is trained on are mostly portraits of people
who wear nothing on their nose, with glasses drawn onto them (`eyewear`) and a bad camera in
front of them (`samples`); and the few real ones that there are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from livelens.picture import Pixels
from livelens.stages.describe.glasses import BAND_PX
from livelens.train.samples import LABELS, Told

# Channels and stride of each convolution.
LAYERS = ((16, 2), (32, 2), (32, 1), (48, 2), (48, 1), (64, 2), (64, 1))
# As the model's card has it.
MEAN, STD = 127.5, 64.0


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how hard to train.

    Attributes:
        epochs: how often each is shown.
        batch, rate: of the optimiser.
        seed: of everything random.
    """

    epochs: float = 3.0
    batch: int = 64
    rate: float = 3e-3
    seed: int = 1


class GlassesNet(nn.Module):  # type: ignore[misc, unused-ignore]
    """Eye bands (n, 3, 56, 112), scaled by `MEAN` and `STD`, to (n, 3) logits of `LABELS`."""

    def __init__(self) -> None:
        super().__init__()
        blocks, before = [], 3
        for channels, stride in LAYERS:
            blocks.append(nn.Conv2d(before, channels, 3, stride, 1, bias=False))
            blocks.append(nn.BatchNorm2d(channels))
            blocks.append(nn.ReLU(inplace=True))
            before = channels
        self.features = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(0.3)
        # What is everywhere a little, and what is somewhere much.
        self.head = nn.Linear(2 * before, len(LABELS))

    def forward(self, bands: torch.Tensor) -> torch.Tensor:
        """Logits."""
        maps = self.features(bands)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)
        return self.head(self.dropout(pooled))


def fit(pictures: Pixels, labels: NDArray[np.int64], course: Course, told: Told) -> GlassesNet:
    """Train; the network comes back ready for use."""
    torch.manual_seed(course.seed)
    random = np.random.default_rng(course.seed)
    network = GlassesNet()
    network.to(memory_format=torch.channels_last)
    steps = max(2, int(course.epochs * len(pictures) / course.batch))
    optimiser = torch.optim.AdamW(network.parameters(), lr=course.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.rate, total_steps=steps)
    order: NDArray[np.int64] = np.empty(0, np.int64)
    for step in range(steps):
        if len(order) < course.batch:
            order = random.permutation(len(pictures))
        chosen, order = order[: course.batch], order[course.batch :]
        loss = nn.functional.cross_entropy(
            network(_tensor(pictures[chosen])),
            torch.from_numpy(labels[chosen]),
            label_smoothing=0.05,
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 20 == 0:
            told(f"training, loss {loss.item():.3f}", step, steps)
    network.eval()
    return network


def _tensor(pictures: Pixels) -> torch.Tensor:
    bands = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return ((bands - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def save(network: GlassesNet, path: Path) -> None:
    """Write the network as ONNX, batch norms folded into the convolutions."""
    nodes, weights, name = [], [], "bands"
    blocks = list(network.features)
    for n in range(0, len(blocks), 3):
        kernel, bias = _folded(blocks[n], blocks[n + 1])
        weights += [_constant(f"w{n}", kernel), _constant(f"b{n}", bias)]
        stride = int(blocks[n].stride[0])
        node = helper.make_node(
            "Conv",
            [name, f"w{n}", f"b{n}"],
            [f"c{n}"],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            strides=[stride, stride],
        )
        nodes.append(node)
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"]))
        name = f"r{n}"
    nodes.append(helper.make_node("GlobalAveragePool", [name], ["mean"]))
    nodes.append(helper.make_node("GlobalMaxPool", [name], ["most"]))
    nodes.append(helper.make_node("Concat", ["mean", "most"], ["both"], axis=1))
    nodes.append(helper.make_node("Flatten", ["both"], ["flat"], axis=1))
    nodes.append(helper.make_node("Gemm", ["flat", "wh", "bh"], ["logits"], transB=1))
    weights += [
        _constant("wh", network.head.weight.detach().numpy()),
        _constant("bh", network.head.bias.detach().numpy()),
    ]
    width, height = BAND_PX
    bands = helper.make_tensor_value_info("bands", TensorProto.FLOAT, ["n", 3, height, width])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(LABELS)])
    graph = helper.make_graph(nodes, "glasses", [bands], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _folded(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    kernel = convolution.weight.detach() * scale[:, None, None, None]
    bias = norm.bias.detach() - norm.running_mean * scale
    return kernel.contiguous().numpy(), bias.numpy()


def _constant(name: str, values: NDArray[np.float32]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
