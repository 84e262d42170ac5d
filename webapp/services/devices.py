"""NVIDIA GPUs of this machine and which worker gets which, found without loading torch."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 20
_QUERY = ("--query-gpu=uuid", "--format=csv,noheader")


@dataclass(frozen=True)
class WorkerPlan:
    """One worker: its name and queue, and the GPU that it alone sees; "" = none, None = it looks for one itself."""

    name: str
    queue: str
    gpu: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {} if self.gpu is None else {"CUDA_VISIBLE_DEVICES": self.gpu}


def found_gpus(device: str, environment: Mapping[str, str] | None = None) -> list[str]:
    """What CUDA_VISIBLE_DEVICES may name, one for each GPU to be used; none for device "cpu" or where none is found.

    CUDA_VISIBLE_DEVICES itself, where it is set, says which; else the NVIDIA driver is asked.
    """
    environment = os.environ if environment is None else environment
    if device == "cpu":
        return []
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1", "none", "NoDevFiles")]
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return []
    try:
        told = subprocess.run([program, *_QUERY], capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.splitlines() if line.strip().startswith(("GPU-", "MIG-"))]


def plan_workers(gpus: Sequence[str] | None) -> list[WorkerPlan]:
    """One worker a GPU that segments, each seeing no other; of two and more the last trains instead.

    A single GPU is shared by the worker that segments and the one that trains, as the processor is where none is left
    (an empty list). None: nothing is known of GPUs, and nothing is hidden from the workers.
    """
    if gpus is None or len(gpus) < 2:
        gpu = None if gpus is None else next(iter(gpus), "")
        return [WorkerPlan("worker-gpu", "gpu", gpu), WorkerPlan("worker-train", "train", gpu)]
    segmenting = [
        WorkerPlan("worker-gpu" if number == 0 else f"worker-gpu-{number + 1}", "gpu", gpu)
        for number, gpu in enumerate(gpus[:-1])
    ]
    return [*segmenting, WorkerPlan("worker-train", "train", gpus[-1])]


class DeviceLock:
    """The right of one Pixelwise to use a GPU of this machine; free when the last process that inherited it ended."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def try_take(cls, gpu: str, folder: Path | None = None) -> DeviceLock | None:
        """The lock, or None where another Pixelwise of this machine holds it."""
        name = re.sub(r"[^\w.-]", "_", gpu)
        path = (folder or Path(tempfile.gettempdir())) / f"pixelwise-device-{name}.lock"
        # Another person's Pixelwise must be able to see that it is taken, whoever made the file.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        os.close(self.descriptor)


def take_gpus(gpus: Sequence[str], folder: Path | None = None) -> dict[str, DeviceLock]:
    """Those of the GPUs that no other Pixelwise uses, each with its lock; of the others the log is told."""
    taken: dict[str, DeviceLock] = {}
    for gpu in gpus:
        try:
            lock = DeviceLock.try_take(gpu, folder)
        except OSError as error:
            _say(f"GPU {gpu} is not used: its lock cannot be taken ({error}).")
            continue
        if lock is None:
            _say(f"GPU {gpu} is not used: another Pixelwise on this machine works on it.")
        else:
            taken[gpu] = lock
    return taken


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
