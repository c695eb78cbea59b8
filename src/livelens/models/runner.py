"""A loaded model: tensors in, tensors out. The one thing that the runtimes have in common."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from livelens.errors import ModelError

RuntimeName = Literal["auto", "openvino", "onnxruntime"]
Precision = Literal["auto", "f32", "bf16"]
AnyTensor = NDArray[Any]
FloatTensor = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Name, axes (None where not fixed) and element type ("float32", "uint8") of a tensor."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Runner(Protocol):
    """A model on a runtime. Calls from several threads at once are safe.

    The first axis of every tensor, in and out, is the batch. A model whose file fixes the
    batch at 1 is run once for each picture.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    device: str

    def __call__(self, *tensors: AnyTensor) -> list[FloatTensor]:
        """Runs the model; the outputs are the caller's own, as float32."""
        ...

    def close(self) -> None:
        """Frees the model. No call may follow but another `close`."""
        ...


MODEL_SUFFIXES = (".onnx", ".tflite", ".pb", ".xml")


def check_file(path: Path) -> None:
    """Refuses what is no model file, before a runtime writes pages about it.

    Raises:
        ModelError: there is no such file, or its suffix is none of a model's.
    """
    if not path.is_file():
        raise ModelError(f"no model file {path}")
    if path.suffix not in MODEL_SUFFIXES:
        raise ModelError(f"{path} is no model file: want {', '.join(MODEL_SUFFIXES)}")


def open_runner(
    path: Path,
    *,
    runtime: RuntimeName = "auto",
    device: str = "cpu",
    threads: int = 0,
    streams: int = 1,
    precision: Precision = "auto",
    input_shape: tuple[int, ...] | None = None,
    outputs: tuple[int, ...] = (),
) -> Runner:
    """Loads a model file on a runtime.

    Args:
        path: .onnx for both runtimes; OpenVINO also reads .tflite and frozen .pb.
        runtime: ``auto`` is onnxruntime where `device` begins with "cuda" or "tensorrt",
            else OpenVINO.
        device: "cpu"; for OpenVINO also "gpu" and "npu"; "cuda", "cuda:1", "tensorrt".
        threads: most threads in total; 0 is one for each core.
        streams: calls that run truly at the same time, each on its share of the threads.
        precision: ``auto`` computes in bfloat16 where the CPU has it in hardware, else in float32.
        input_shape: axes of one picture's input, batch 1, for files that leave them open.
        outputs: numbers of the outputs to compute; empty is all.

    Raises:
        ModelError: the file cannot be read, or the runtime is not installed.
    """
    check_file(path)
    on_nvidia = device.startswith(("cuda", "tensorrt"))
    if runtime == "onnxruntime" or (runtime == "auto" and on_nvidia):
        from livelens.models.onnx import OnnxRunner

        return OnnxRunner(path, device=device, threads=threads, outputs=outputs)
    if on_nvidia:
        raise ModelError(f"runtime openvino has no device {device}: use runtime onnxruntime")
    from livelens.models.openvino import OpenVinoRunner

    return OpenVinoRunner(
        path,
        device=device,
        threads=threads,
        streams=streams,
        precision=precision,
        input_shape=input_shape,
        outputs=outputs,
    )
