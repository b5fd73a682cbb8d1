"""What this machine has, and which profile follows: cpu or cuda. Never imports torch (a second, and 200 MB)."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resep.errors import ResepError

_GIB = 1024**3
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CUdevice_attribute


@dataclass(frozen=True)
class Device:
    """One GPU as the driver shows it to this process. `capability` is e.g. (9, 0)."""

    name: str
    memory_gib: float
    capability: tuple[int, int]


@dataclass(frozen=True)
class Profile:
    """Where training and generation run.

    `devices`: GPUs that are used (0 on cpu). `memory_gib`: of the smallest GPU, or the machine's memory. `cores`: CPU
    cores this process may use. `capability`: of the weakest GPU. `note`: why a GPU that is there is not used.
    """

    name: Literal["cpu", "cuda"]
    devices: int
    memory_gib: float
    device_name: str
    cores: int
    capability: tuple[int, int] | None = None
    note: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """Of a child process that runs a model: no network (its files are here by now), the cores, on cpu no GPU."""
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if self.name == "cpu" else {}
        return {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(self.cores)), **hidden}


def detect(wanted: str = "auto") -> Profile:
    """The profile for `compute.profile`: auto takes the GPUs where there are any and torch can use them.

    Raises ResepError when cuda is wanted and cannot be had.
    """
    if wanted == "cpu":
        return _cpu()
    devices = cuda_devices()
    obstacle = _obstacle(devices)
    if not obstacle:
        return _cuda(devices)
    if wanted == "cuda":
        raise ResepError(f"compute.profile: cuda: {obstacle}; or set compute.profile to auto or cpu")
    return _cpu(note=obstacle if devices else "")


def cuda_devices() -> list[Device]:
    """The GPUs that the CUDA driver shows to this process (it honours CUDA_VISIBLE_DEVICES); none without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    return [_device(driver, index) for index in range(count.value)]


def _device(driver: ctypes.CDLL, index: int) -> Device:
    name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
    driver.cuDeviceGetName(name, len(name), index)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), index)
    capability = (_attribute(driver, _CAPABILITY_MAJOR, index), _attribute(driver, _CAPABILITY_MINOR, index))
    return Device(name.value.decode("utf-8", "replace"), round(memory.value / _GIB, 1), capability)


def _attribute(driver: ctypes.CDLL, attribute: int, index: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, index)
    return value.value


def _obstacle(devices: Sequence[Device]) -> str:
    """Why the GPUs cannot be used, or nothing. A CPU-only torch is told by its version file, which is only read."""
    if not devices:
        return "no CUDA GPU was found here (is the driver installed, is CUDA_VISIBLE_DEVICES set?)"
    if torch_cuda_version() is None:
        return (
            f"{devices[0].name} is here but the installed torch is a build without CUDA: "
            "install one with CUDA from https://pytorch.org/get-started"
        )
    return ""


def torch_cuda_version() -> str | None:
    """The CUDA version that the installed torch was built for, or None (no torch, or a CPU build)."""
    torch = importlib.util.find_spec("torch")  # finds the folder, imports nothing
    if torch is None or torch.origin is None:
        return None
    version = Path(torch.origin).with_name("version.py")
    found = re.search(r"^cuda\b[^=]*=\s*'([^']+)'", version.read_text(encoding="utf-8"), re.M)
    return found[1] if found else None


def _cuda(devices: Sequence[Device]) -> Profile:
    return Profile(
        name="cuda",
        devices=len(devices),
        memory_gib=min(device.memory_gib for device in devices),
        device_name=devices[0].name,
        cores=cores(),
        capability=min(device.capability for device in devices),
    )


def _cpu(note: str = "") -> Profile:
    memory_gib = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 1)
    return Profile("cpu", 0, memory_gib, _processor_name(), cores(), note=note)


def cores() -> int:
    """CPU cores that this process may use: its affinity, and the quota of its container."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota() or allowed))


def _quota(file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    if not file.exists():
        return None
    quota, period = file.read_text(encoding="ascii").split()
    return None if quota == "max" else round(int(quota) / int(period))


def _processor_name(file: Path = Path("/proc/cpuinfo")) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", file.read_text(encoding="utf-8"), re.M) if file.exists() else None
    return found[1].strip() if found else (os.uname().machine)
