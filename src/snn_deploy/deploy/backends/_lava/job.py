"""The process of a Lava job: python -m snn_deploy.deploy.backends._lava.job FOLDER PREFIX PARENT TASK.

TASK is a module with a function `perform(folder)`, imported once Lava can be. The process dies with its parent,
names its shared memory so that the parent finds it, and ends at once when the task is done: Lava's own stop
waits for ever for processes that failed.
"""

import importlib
import logging
import sys
import traceback
from multiprocessing import process, shared_memory
from pathlib import Path

from snn_deploy.deploy.backends._lava.child_process import die_with_parent, exit_at_once
from snn_deploy.deploy.backends._lava.patch_lava import patch_lava


def main(folder: str, prefix: str, parent: str, task: str) -> None:
    """Perform the task in the folder and exit: 0 when it is done, else 1 after its traceback."""
    die_with_parent(int(parent))
    _name_shared_memory(prefix)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    status = 1
    try:
        patch_lava()
        importlib.import_module(task).perform(Path(folder))
        status = 0
    finally:
        if status:
            traceback.print_exc()
        exit_at_once(status)


def _name_shared_memory(prefix: str) -> None:
    """Let the names of shared memory and semaphores start with `prefix`."""
    name = f"/{prefix}-"
    shared_memory._SHM_NAME_PREFIX = name  # type: ignore[attr-defined]
    shared_memory._SHM_SAFE_NAME_LENGTH = len(name) + 12  # type: ignore[attr-defined]
    process.current_process()._config["semprefix"] = name  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
