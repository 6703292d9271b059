"""Starts one command that cannot outlive its parent process.

Usage: ``python -I -S lifeline.py PARENT_PID COMMAND [ARGUMENT ...]``. On Linux the kernel kills the
command when its parent ends. On other systems (``--watch`` for PARENT_PID) this program stays
between the two and watches its standard input, a pipe that closes with the parent. It imports few
modules because every child waits for them.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_POLL_S = 0.1


def die_with_parent(parent_pid: int) -> None:
    """Ask Linux to kill this process when the thread that started it ends.

    The request survives ``exec``. If the parent has already ended, the process kills itself.
    On other systems this function does nothing.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def watch(command: list[str]) -> int:
    """Run ``command`` until it ends or standard input closes; return its exit status."""
    import select

    no_input = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[no_input])
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        readable, _, _ = select.select([0], [], [], _POLL_S)
        if readable and not os.read(0, 1):
            # The group has no other processes (start_new_session), so the command's children end.
            os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "--watch":
        sys.exit(abs(watch(sys.argv[2:])))
    die_with_parent(int(sys.argv[1]))
    os.execvpe(sys.argv[2], sys.argv[2:], os.environ)  # noqa: S606 - runs the command it was given
