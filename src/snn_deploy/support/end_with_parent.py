"""end_with_parent: a process that ends when its parent does, however the parent ended."""

import ctypes
import os
import signal
import sys
import threading
import time

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in <linux/prctl.h>
_LOOK_EVERY = 0.5  # seconds


def ask_to_die_with(parent: int) -> None:
    """Have Linux kill this process at the end of the thread of `parent` that started it; elsewhere do nothing.

    parent: the process number, whose process may be dead already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def end_with(parent: int) -> None:
    """End this process as soon as `parent` is dead: at once on Linux, elsewhere when a thread of this one sees it."""
    ask_to_die_with(parent)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os._exit(1)
