"""Become another program that ends when the process that started it ends, however that one ends.

Run by its path, so that it starts in milliseconds:

    launch.py SIGNAL PARENT_PID USER WAYS /PATH/OF/PROGRAM [ARGUMENT ...]

USER is a numeric user id, or - to stay who one is. WAYS is `any` to let that user pass folders closed to it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def die_with_parent(number: int) -> None:
    """Have the kernel send this process signal `number` when its parent ends. Does nothing off Linux."""
    if sys.platform == "linux":
        _check(_libc().prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl")


def become(user: int, *, pass_closed_folders: bool) -> None:
    """Give root up for `user`, keeping at most the right to pass folders that are closed to it."""
    if pass_closed_folders:
        _check(_libc().prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl")
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if pass_closed_folders:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        wanted = 1 << _CAP_DAC_OVERRIDE
        sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
        _check(_libc().capset(header, sets), "capset")
        _check(_libc().prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0), "prctl")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def main(arguments: list[str]) -> None:
    number, parent, user, ways, *command = arguments
    if user != "-":
        become(int(user), pass_closed_folders=ways == "any")
    # After the change of user, which makes the kernel forget it.
    die_with_parent(int(number))
    if os.getppid() != int(parent):
        sys.exit("the process that wanted this program has ended")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    # Not execvp: it imports, from a library that the user we became may not be able to reach.
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
