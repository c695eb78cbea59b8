"""What this machine can run models on."""

import importlib.util
import os
from pathlib import Path

from livelens.errors import ModelError

# Instructions that make inference several times faster, as Linux names them.
_FAST = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "amx_bf16": "AMX bf16",
    "amx_int8": "AMX int8",
    "asimd": "NEON",
    "bf16": "bf16",
}


def cpu_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Names of the CPU's instructions for neural networks; empty where the system does not tell."""
    try:
        lines = cpuinfo.read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            have = set(value.split())
            return list(dict.fromkeys(name for flag, name in _FAST.items() if flag in have))
    return []


def openvino_devices() -> list[str]:
    """Devices that OpenVINO sees, "CPU" say.

    Raises:
        ModelError: OpenVINO is not installed or does not start.
    """
    try:
        import openvino as ov

        return list(ov.Core().available_devices)
    except (ImportError, RuntimeError) as error:
        raise ModelError(f"OpenVINO does not start: {str(error).splitlines()[0]}") from None


def onnxruntime_providers() -> list[str] | None:
    """Execution providers that onnxruntime was built with; None when it is not installed.

    Raises:
        ModelError: it is installed and does not start.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise ModelError(f"onnxruntime does not start: {str(error).splitlines()[0]}") from None
    return list(ort.get_available_providers())
