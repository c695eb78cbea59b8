"""Both runtimes: the same numbers, from many threads, and clear faults."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from livelens.errors import ModelError
from livelens.models.openvino import has_bf16
from livelens.models.runner import RuntimeName, open_runner
from tests.models.graphs import constant_model, sum_model

RUNTIMES: tuple[RuntimeName, ...] = ("openvino", "onnxruntime")


@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_batch_gives_what_its_pictures_give(
    runtime: RuntimeName, batch: int | str, tmp_path: Path, cache: Path
) -> None:
    runner = open_runner(
        sum_model(tmp_path / "m.onnx", batch=batch), runtime=runtime, precision="f32"
    )
    assert runner.inputs[0].name == "images"
    assert runner.inputs[0].shape[1:] == (3, 8, 8)
    assert runner.inputs[0].dtype == "float32"
    x = np.random.default_rng(1).normal(size=(5, 3, 8, 8)).astype(np.float32)
    for count in (1, 5):
        (sums,) = runner(x[:count])
        np.testing.assert_allclose(sums, x[:count].sum(axis=(2, 3)), atol=1e-4)
    runner.close()


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_threads_do_not_mix_results(
    runtime: RuntimeName, streams: int, tmp_path: Path, cache: Path
) -> None:
    path = sum_model(tmp_path / "m.onnx")
    runner = open_runner(path, runtime=runtime, precision="f32", streams=streams, threads=2)

    def check(number: int) -> None:
        x = np.full((1 + number % 3, 3, 8, 8), number, np.float32)
        (sums,) = runner(x)
        np.testing.assert_allclose(sums, number * 64.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, range(400)))
    runner.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_closing_twice_does_no_harm(runtime: RuntimeName, tmp_path: Path, cache: Path) -> None:
    runner = open_runner(sum_model(tmp_path / "m.onnx"), runtime=runtime)
    runner.close()
    runner.close()


def test_results_are_the_callers_own(tmp_path: Path, cache: Path) -> None:
    runner = open_runner(sum_model(tmp_path / "m.onnx"), precision="f32")
    (first,) = runner(np.ones((1, 3, 8, 8), np.float32))
    runner(np.zeros((1, 3, 8, 8), np.float32))
    np.testing.assert_allclose(first, 64)
    runner.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("content", [b"", b"hello", None], ids=["empty", "text", "cut off"])
def test_a_damaged_file_is_one_line(
    content: bytes | None, runtime: RuntimeName, tmp_path: Path, cache: Path
) -> None:
    path = sum_model(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:90] if content is None else content)
    with pytest.raises(ModelError, match=r"m\.onnx") as caught:
        open_runner(path, runtime=runtime)
    assert "\n" not in str(caught.value)


def test_refusals(tmp_path: Path, cache: Path) -> None:
    path = sum_model(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="no model file"):
        open_runner(tmp_path / "none.onnx")
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(ModelError, match=r"notes\.md is no model file"):
        open_runner(tmp_path / "notes.md")
    with pytest.raises(ModelError, match="runtime openvino has no device cuda:0"):
        open_runner(path, runtime="openvino", device="cuda:0")
    with pytest.raises(ModelError, match="no device abacus"):
        open_runner(path, runtime="onnxruntime", device="abacus")
    (tmp_path / "m.tflite").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"reads \.onnx only, not m\.tflite"):
        open_runner(tmp_path / "m.tflite", runtime="onnxruntime")
    with pytest.raises(ModelError, match="OpenVINO cannot load"):
        open_runner(path, device="abacus")


def test_a_wrong_shape_is_one_line(tmp_path: Path, cache: Path) -> None:
    for runtime in RUNTIMES:
        runner = open_runner(sum_model(tmp_path / "m.onnx"), runtime=runtime)
        with pytest.raises(ModelError, match="failed") as caught:
            runner(np.ones((1, 3, 9, 8), np.float32))
        assert "\n" not in str(caught.value)
        runner.close()


def test_cuda_without_its_package_names_the_extra(tmp_path: Path, cache: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(ModelError, match=r"pip install livelens\[cuda\]"):
        open_runner(sum_model(tmp_path / "m.onnx"), device="cuda:0")


def test_onnxruntime_not_installed_names_the_extra(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"pip install livelens\[onnxruntime\]"):
        open_runner(sum_model(tmp_path / "m.onnx"), runtime="onnxruntime")


def test_runtimes_are_imported_only_when_used() -> None:
    script = (
        "import sys, livelens.models.cli, livelens.models.zoo;"
        "heavy = {'openvino', 'onnxruntime', 'onnx', 'cv2', 'supervision'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 avx512f avx512_vnni", False),
        ("fpu avx512f avx512_bf16 gfni", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu no_amx_bf16_here", False),
    ],
)
def test_bfloat16_only_where_the_cpu_has_it(flags: str, expected: bool, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags\t\t: {flags}\nbugs\t: none\n")
    assert has_bf16(cpuinfo) is expected
    assert not has_bf16(tmp_path / "absent")


def test_a_failed_batch_leaves_the_runner_usable(tmp_path: Path, cache: Path) -> None:
    runner = open_runner(sum_model(tmp_path / "m.onnx"), precision="f32", streams=2)
    for _ in range(3):
        with pytest.raises(ModelError):
            runner(np.ones((6, 3, 9, 8), np.float32))
        (sums,) = runner(np.ones((6, 3, 8, 8), np.float32))
        np.testing.assert_allclose(sums, 64)
    runner.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_outputs_that_nobody_wants_are_left_out(
    runtime: RuntimeName, tmp_path: Path, cache: Path
) -> None:
    made = [np.full((2, 3), number, np.float32) for number in range(3)]
    path = constant_model(tmp_path / "m.onnx", made, input_shape=("N", 3, 8, 8))
    runner = open_runner(path, runtime=runtime, precision="f32", outputs=(2, 0))
    assert len(runner.outputs) == 2
    last, first = runner(np.zeros((1, 3, 8, 8), np.float32))
    assert (last == 2).all()
    assert (first == 0).all()
    runner.close()
