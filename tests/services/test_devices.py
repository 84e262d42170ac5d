"""Workers for one, several and no GPU, and that no two installations use one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webapp.services.devices import DeviceLock, WorkerPlan, found_gpus, plan_workers, take_gpus
from webapp.services.processes import processes

FAKE = ["GPU-aa", "GPU-bb", "GPU-cc"]


def nvidia_smi(folder: Path, says: str, exit_code: int = 0) -> dict[str, str]:
    """A driver's program that says this."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '{says}'\nexit {exit_code}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_driver_is_asked_for_the_gpus(tmp_path: Path) -> None:
    assert found_gpus("auto", nvidia_smi(tmp_path, "GPU-aa\\nGPU-bb\\n")) == ["GPU-aa", "GPU-bb"]
    assert found_gpus("cpu", nvidia_smi(tmp_path, "GPU-aa\\n")) == []
    assert found_gpus("auto", nvidia_smi(tmp_path, "No devices were found\\n")) == []
    assert found_gpus("auto", nvidia_smi(tmp_path, "", exit_code=9)) == []
    assert found_gpus("auto", {"PATH": str(tmp_path / "nowhere")}) == []


@pytest.mark.parametrize(
    ("named", "expected"), [("0,2", ["0", "2"]), (" GPU-bb ", ["GPU-bb"]), ("", []), ("-1", []), ("NoDevFiles", [])]
)
def test_what_is_named_is_taken(named: str, expected: list[str], tmp_path: Path) -> None:
    environment = {**nvidia_smi(tmp_path, "GPU-aa\\n"), "CUDA_VISIBLE_DEVICES": named}
    assert found_gpus("auto", environment) == expected


def test_one_worker_for_each_gpu() -> None:
    assert plan_workers(None) == [WorkerPlan("worker-gpu", "gpu"), WorkerPlan("worker-train", "train")]
    assert [plan.environment for plan in plan_workers(None)] == [{}, {}]
    assert [plan.gpu for plan in plan_workers(FAKE[:1])] == ["GPU-aa", "GPU-aa"]
    plans = plan_workers(FAKE)
    assert [(plan.name, plan.queue, plan.gpu) for plan in plans] == [
        ("worker-gpu", "gpu", "GPU-aa"),
        ("worker-gpu-2", "gpu", "GPU-bb"),
        ("worker-train", "train", "GPU-cc"),
    ]
    assert [plan.environment for plan in plans] == [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in FAKE]


def test_programs_see_their_gpu_and_inherit_its_lock(tmp_path: Path) -> None:
    programs = {
        program.name: program
        for program in processes(tmp_path, lock_descriptor=7, gpus={gpu: 40 + n for n, gpu in enumerate(FAKE)})
    }
    assert list(programs) == ["web", "worker-gpu", "worker-gpu-2", "worker-train", "worker-cpu", "clock"]
    second = programs["worker-gpu-2"]
    assert second.environment["CUDA_VISIBLE_DEVICES"] == "GPU-bb"
    assert second.kept_open == [7, 41]
    assert "gpu-2@%h" in second.command
    assert "CUDA_VISIBLE_DEVICES" not in programs["worker-cpu"].environment
    assert programs["worker-cpu"].kept_open == [7]


def test_gpus_that_others_use_are_hidden(tmp_path: Path) -> None:
    programs = {program.name: program for program in processes(tmp_path, lock_descriptor=7, gpus={})}
    assert programs["worker-gpu"].environment["CUDA_VISIBLE_DEVICES"] == ""
    assert programs["worker-train"].environment["CUDA_VISIBLE_DEVICES"] == ""
    assert programs["worker-gpu"].kept_open == [7]


def test_a_gpu_is_used_by_one_installation_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = DeviceLock.try_take("GPU-bb", tmp_path)
    assert held is not None
    taken = take_gpus(FAKE, tmp_path)
    assert list(taken) == ["GPU-aa", "GPU-cc"]
    assert "GPU GPU-bb is not used: another Pixelwise" in capsys.readouterr().err
    for lock in taken.values():
        lock.release()
    held.release()
    again = take_gpus(FAKE, tmp_path)
    assert list(again) == FAKE
    for lock in again.values():
        lock.release()


def test_a_lock_lasts_as_long_as_a_process_that_inherited_it(tmp_path: Path) -> None:
    held = DeviceLock.try_take("GPU-aa", tmp_path)
    assert held is not None
    inherited = os.dup(held.descriptor)
    held.release()
    assert DeviceLock.try_take("GPU-aa", tmp_path) is None
    os.close(inherited)
    free = DeviceLock.try_take("GPU-aa", tmp_path)
    assert free is not None
    free.release()
