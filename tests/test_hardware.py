import ctypes
import sys
from pathlib import Path
from typing import Any

import pytest

from resep import hardware
from resep.errors import ResepError
from resep.hardware import Device, detect

SMALL = Device("GPU A", 24.0, (8, 6))
LARGE = Device("GPU B", 80.0, (9, 0))


@pytest.fixture
def with_gpus(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(hardware, "cuda_devices", lambda: [LARGE, SMALL])
    monkeypatch.setattr(hardware, "torch_cuda_version", lambda: "12.8")
    return monkeypatch


def test_a_gpu_that_torch_can_use_is_taken(with_gpus: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    profile = detect("auto")
    assert (profile.name, profile.devices) == ("cuda", 2)
    assert (profile.memory_gib, profile.capability) == (24.0, (8, 6))  # of the weakest


def test_a_torch_without_cuda_means_cpu_with_a_note_or_an_error(with_gpus: pytest.MonkeyPatch) -> None:
    with_gpus.setattr(hardware, "torch_cuda_version", lambda: None)
    profile = detect("auto")
    assert profile.name == "cpu"
    assert "build without CUDA" in profile.note
    with pytest.raises(ResepError, match=r"compute.profile: cuda: GPU B is here but .*build without CUDA"):
        detect("cuda")


def test_cuda_without_a_gpu_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cuda_devices", list)
    with pytest.raises(ResepError, match=r"no CUDA GPU .* auto or cpu"):
        detect("cuda")
    assert detect("auto").note == ""


def test_cpu_is_cpu_even_beside_a_gpu(with_gpus: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    profile = detect("cpu")
    assert (profile.name, profile.devices, profile.capability) == ("cpu", 0, None)
    assert profile.memory_gib > 0
    assert profile.cores >= 1
    assert profile.device_name


class _Driver:
    """libcuda with two devices, as ctypes would call it."""

    def cuInit(self, _flags: int) -> int:
        return 0

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = 2
        return 0

    def cuDeviceGetName(self, name: Any, _size: int, index: int) -> int:
        name.value = f"GPU {index}".encode()
        return 0

    def cuDeviceTotalMem_v2(self, memory: Any, index: int) -> int:
        memory._obj.value = (index + 1) * 16 * 1024**3
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, _index: int) -> int:
        value._obj.value = {75: 8, 76: 9}[attribute]
        return 0


def test_the_driver_is_asked_for_name_memory_and_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: _Driver())
    assert hardware.cuda_devices() == [Device("GPU 0", 16.0, (8, 9)), Device("GPU 1", 32.0, (8, 9))]


def test_a_driver_that_finds_no_device_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = _Driver()
    monkeypatch.setattr(driver, "cuInit", lambda _flags: 100)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: driver)
    assert hardware.cuda_devices() == []


@pytest.mark.parametrize(("line", "version"), [("cuda: Optional[str] = None", None), ("cuda = '12.8'", "12.8")])
def test_the_build_of_torch_is_read_from_its_version_file(
    line: str, version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('torch was imported')")
    (tmp_path / "torch" / "version.py").write_text(f"__version__ = '2.13.0'\n{line}\n")
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # another test may have imported the real one
    monkeypatch.syspath_prepend(str(tmp_path))
    assert hardware.torch_cuda_version() == version


@pytest.mark.parametrize(("content", "cores"), [("150000 100000", 2), ("max 100000", None)])
def test_the_quota_of_a_container_counts(content: str, cores: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(content)
    assert hardware._quota(tmp_path / "cpu.max") == cores


def test_a_child_on_a_cpu_sees_no_gpu_and_one_on_a_gpu_sees_those_of_its_parent(with_gpus: pytest.MonkeyPatch) -> None:
    with_gpus.setenv("OMP_NUM_THREADS", "3")
    assert detect("cpu").environment == {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "3", "CUDA_VISIBLE_DEVICES": ""}
    assert detect("cuda").environment == {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "3"}
