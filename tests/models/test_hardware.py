from pathlib import Path

from livelens.models import hardware


def test_instructions_are_read_from_what_linux_tells(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags : fpu avx2 avx512f avx512_vnni avx_vnni amx_bf16\n")
    assert hardware.cpu_features(file) == ["AVX2", "AVX-512", "VNNI", "AMX bf16"]
    file.write_text("processor : 0\nFeatures : fp asimd\n")
    assert hardware.cpu_features(file) == ["NEON"]
    assert hardware.cpu_features(tmp_path / "none") == []


def test_the_runtimes_of_this_machine() -> None:
    assert "CPU" in hardware.openvino_devices()
    assert "CPUExecutionProvider" in (hardware.onnxruntime_providers() or [])
