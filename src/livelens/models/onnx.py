"""Runs models with onnxruntime: on CPUs, and on NVIDIA GPUs through CUDA or TensorRT."""

from pathlib import Path

import numpy as np

from livelens.errors import ModelError
from livelens.models.fetch import cache_dir
from livelens.models.runner import AnyTensor, FloatTensor, TensorInfo

_DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(float16)": "float16"}


class OnnxRunner:
    """A `Runner` on onnxruntime. Its session takes calls from many threads by itself.

    Raises:
        ModelError: onnxruntime is not installed, has no such device, or cannot read the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: str = "cpu",
        threads: int = 0,
        outputs: tuple[int, ...] = (),
    ) -> None:
        extra = "onnxruntime" if device == "cpu" else "cuda"
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise ModelError(
                f"onnxruntime is not installed: run 'pip install livelens[{extra}]'"
            ) from error
        if path.suffix != ".onnx":
            raise ModelError(f"onnxruntime reads .onnx only, not {path.name}: use runtime openvino")
        providers = _providers(device)
        absent = {name for name, _ in providers} - set(ort.get_available_providers())
        if absent:
            raise ModelError(
                f"this onnxruntime has no {', '.join(sorted(absent))}: "
                f"run 'pip install livelens[{extra}]' (and uninstall plain onnxruntime)"
            )
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if threads > 0:
            options.intra_op_num_threads = threads
        self.device = device
        try:
            self._session = ort.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # Its errors share no narrower base class.
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"onnxruntime cannot load {path.name}: {reason}") from error
        if device != "cpu" and self._session.get_providers()[0] != providers[0][0]:
            # onnxruntime falls back to the CPU with no more than a log line.
            raise ModelError(f"onnxruntime cannot use {device}: are its driver and CUDA installed?")
        self.inputs = tuple(_info(node) for node in self._session.get_inputs())
        every = [_info(node) for node in self._session.get_outputs()]
        self.outputs = tuple(every[number] for number in outputs) if outputs else tuple(every)
        self._wanted = [info.name for info in self.outputs]
        self._names = [info.name for info in self.inputs]
        self._one_by_one = self.inputs[0].shape[:1] == (1,)

    def __call__(self, *tensors: AnyTensor) -> list[FloatTensor]:
        """Runs the batch, at once where the file leaves it open; see `Runner`."""
        if self._one_by_one and len(tensors[0]) > 1:
            singles = [
                self._run([tensor[i : i + 1] for tensor in tensors]) for i in range(len(tensors[0]))
            ]
            return [np.concatenate(parts) for parts in zip(*singles, strict=True)]
        return self._run(tensors)

    def close(self) -> None:
        """Drops the session; once is enough, twice does no harm."""
        vars(self).pop("_session", None)

    def _run(self, tensors: "tuple[AnyTensor, ...] | list[AnyTensor]") -> list[FloatTensor]:
        feeds = dict(zip(self._names, tensors, strict=True))
        try:
            results = self._session.run(self._wanted, feeds)
        except Exception as error:  # Its errors share no narrower base class.
            raise ModelError(f"onnxruntime failed: {str(error).splitlines()[0]}") from error
        count = len(tensors[0])
        arrays = [np.asarray(result, np.float32) for result in results]
        return [a if a.ndim and a.shape[0] == count else a[None] for a in arrays]


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    kind, _, number = device.partition(":")
    where = {"device_id": number or "0"}
    cuda = ("CUDAExecutionProvider", where)
    if kind == "cpu":
        return [("CPUExecutionProvider", {})]
    if kind == "cuda":
        return [cuda]
    if kind == "tensorrt":
        engines = {
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(cache_dir() / "tensorrt"),
            "trt_fp16_enable": "True",
        }
        return [("TensorrtExecutionProvider", {**where, **engines}), cuda]
    raise ModelError(f"runtime onnxruntime has no device {device}: use cpu, cuda or tensorrt")


def _info(node: object) -> TensorInfo:
    name, shape, kind = (getattr(node, key) for key in ("name", "shape", "type"))
    axes = tuple(axis if isinstance(axis, int) else None for axis in shape)
    return TensorInfo(name, axes, _DTYPES.get(kind, kind))
