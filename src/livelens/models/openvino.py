"""Runs models with OpenVINO: the default on CPUs; reads .onnx, .tflite and frozen .pb."""

import contextlib
import queue
from collections import deque
from functools import cache
from pathlib import Path

import numpy as np

from livelens.errors import ModelError
from livelens.models.fetch import cache_dir
from livelens.models.runner import AnyTensor, FloatTensor, Precision, TensorInfo, check_file

try:
    import openvino as ov
    from openvino.frontend import FrontEndManager

    from livelens.models.tflite_ops import extensions
except ImportError as error:
    raise ModelError(
        f"openvino cannot be imported ({error}): run 'pip install openvino'"
    ) from error


# What a CPU must have for bfloat16 to pay: AMX, or AVX-512's own dot products. Measured on the
# latter, detectors ran 1.3 to 2.2 times faster and lost at most 0.3 points of AP50.
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})


@cache
def has_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this CPU computes bfloat16 in hardware (Linux tells; elsewhere: no)."""
    try:
        lines = cpuinfo.read_text("ascii", "replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not _BF16_FLAGS.isdisjoint(flags.split())


# A started request, and its inputs: a shared tensor does not keep its array alive.
_Flight = tuple["ov.InferRequest", list[AnyTensor]]


class OpenVinoRunner:
    """A `Runner` on OpenVINO, compiled for single pictures.

    On a CPU a batch computes no faster than its pictures one by one, so that a batch
    becomes that many requests, run on `streams` streams at once. Requests are pooled and
    reused: every concurrent call has its own, at most one more than there are streams.

    Raises:
        ModelError: OpenVINO cannot read or compile the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: str = "cpu",
        threads: int = 0,
        streams: int = 1,
        precision: Precision = "auto",
        input_shape: tuple[int, ...] | None = None,
        outputs: tuple[int, ...] = (),
    ) -> None:
        self.device = device.upper()
        config: dict[str, str | int] = {"CACHE_DIR": str(cache_dir() / "openvino")}
        if self.device == "CPU":
            fast = precision == "bf16" or (precision == "auto" and has_bf16())
            config["INFERENCE_PRECISION_HINT"] = "bf16" if fast else "f32"
            config["NUM_STREAMS"] = max(1, streams)
            if threads > 0:
                config["INFERENCE_NUM_THREADS"] = threads
        try:
            core = ov.Core()
            model = _read(core, path)
            if outputs:
                wanted = [model.output(number) for number in outputs]
                model = ov.Model(wanted, model.get_parameters(), model.get_friendly_name())
            shape = model.input(0).partial_shape
            if input_shape is not None and shape.rank.get_length() == len(input_shape):
                model.reshape({0: ov.PartialShape([*input_shape])})
            elif shape.is_dynamic and shape.rank.get_length() > 0:
                shape[0] = 1
                model.reshape({0: shape})
            self._compiled = core.compile_model(model, self.device, config)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot load {path.name}: {_reason(error)}") from error
        self.inputs = tuple(_info(port) for port in self._compiled.inputs)
        self.outputs = tuple(_info(port) for port in self._compiled.outputs)
        # One more than can run, so that none waits for its inputs.
        self._most_flying = max(1, streams) + 1
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()

    def __call__(self, *tensors: AnyTensor) -> list[FloatTensor]:
        """Runs each picture of the batch; see `Runner`."""
        results: list[list[FloatTensor]] = []
        flying: deque[_Flight] = deque()
        try:
            for index in range(len(tensors[0])):
                if len(flying) == self._most_flying:
                    results.append(self._land(flying.popleft()))
                flying.append(self._start([tensor[index : index + 1] for tensor in tensors]))
            while flying:
                results.append(self._land(flying.popleft()))
        except RuntimeError as error:
            raise ModelError(f"OpenVINO failed: {_reason(error)}") from error
        finally:
            for request, _ in flying:
                # It still reads the caller's memory.
                with contextlib.suppress(RuntimeError):
                    request.wait()
        if len(results) == 1:
            return results[0]
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def close(self) -> None:
        """Drops the idle requests and the compiled model; once is enough, twice does no harm."""
        self._idle = queue.SimpleQueue()
        vars(self).pop("_compiled", None)

    def _start(self, tensors: list[AnyTensor]) -> "_Flight":
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        arrays = [np.ascontiguousarray(tensor) for tensor in tensors]
        for port, array in enumerate(arrays):
            request.set_input_tensor(port, ov.Tensor(array, shared_memory=True))
        request.start_async()
        return request, arrays

    def _land(self, flight: "_Flight") -> list[FloatTensor]:
        request, _ = flight
        request.wait()
        # The request owns its outputs and is reused: what leaves must be a copy.
        arrays = [
            np.array(request.get_output_tensor(port).data, np.float32)
            for port in range(len(self.outputs))
        ]
        self._idle.put(request)
        return [a if a.ndim and a.shape[0] == 1 else a[None] for a in arrays]


def _info(port: "ov.ConstOutput") -> TensorInfo:
    shape = tuple(
        None if axis.is_dynamic else int(axis.get_length()) for axis in port.partial_shape
    )
    name = port.any_name if port.names else ""
    return TensorInfo(name, shape, np.dtype(port.element_type.to_dtype()).name)


def describe_input(path: Path) -> TensorInfo:
    """The first input of a model file, without compiling it.

    Raises:
        ModelError: the file cannot be read.
    """
    check_file(path)
    try:
        return _info(_read(ov.Core(), path).input(0))
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load {path.name}: {_reason(error)}") from error


_FRONT_ENDS = {".onnx": "onnx", ".tflite": "tflite", ".pb": "tf"}


def _read(core: "ov.Core", path: Path) -> "ov.Model":
    """Reads a model file by its suffix; OpenVINO itself would try every format it knows."""
    front_end = _FRONT_ENDS.get(path.suffix)
    if front_end is not None:
        known = FrontEndManager().load_by_framework(front_end)
        if known is None or not known.supported(str(path)):
            raise ModelError(f"{path.name} is not a {path.suffix} model, or is damaged")
    if front_end == "tflite":
        core.add_extension(extensions())
    return core.read_model(str(path))


def _reason(error: RuntimeError) -> str:
    """The one line of an OpenVINO error that tells something: the last, without positions."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason given"
