"""No process of the simulator outlives it, however it ends."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies; elsewhere its pipes must tell."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the request was in place.
    if os.getppid() != parent or parent == 1:
        os.kill(os.getpid(), signal.SIGKILL)
