"""Put on PYTHONPATH of a stack under test: a full disk, images and models that kill whoever reads them, by files.

`$PIXELWISE_FAULTS/disk-full`: opening a file of the data folder to write it fails with ENOSPC.
`$PIXELWISE_FAULTS/poison`: a line for each original (its SHA-256); the GPU worker that opens one is killed.
`$PIXELWISE_FAULTS/deadly-models`: the GPU worker that opens a file of a model is killed.
"""

import errno
import os
import signal
import sys

_FAULTS = os.environ.get("PIXELWISE_FAULTS", "")
_DATA = os.environ.get("PIXELWISE_DATA", "")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IS_WORKER = False


def _is_worker() -> bool:
    global _IS_WORKER
    if not _IS_WORKER:
        _IS_WORKER = "--queues" in sys.argv and "gpu" in sys.argv
    return _IS_WORKER


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not isinstance(arguments[0], str):
        return
    path, _, flags = arguments
    name = str(path)
    if not name.startswith(_DATA) or name.startswith((_DATA + "/run", _DATA + "/logs")):
        return
    writes = isinstance(flags, int) and flags & _WRITES
    if writes and os.path.exists(_FAULTS + "/disk-full"):  # noqa: PTH110
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
    if not writes and "/models/" in name and _is_worker() and os.path.exists(_FAULTS + "/deadly-models"):  # noqa: PTH110
        os.kill(os.getpid(), signal.SIGKILL)
    if not writes and "/originals/" in name and _is_worker() and _is_poison(name.rpartition("/")[2]):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_poison(sha256: str) -> bool:
    try:
        descriptor = os.open(_FAULTS + "/poison", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return sha256.encode() in os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)


if _FAULTS and _DATA:
    sys.addaudithook(_look)
