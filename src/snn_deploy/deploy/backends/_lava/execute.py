"""execute: run Lava processes for some steps, and end the job as soon as one of them dies."""

import sys
import threading
import traceback
from multiprocessing import connection
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

from snn_deploy.deploy.backends._child_process import exit_at_once


def execute(process: AbstractProcess, steps: int) -> None:
    """Run all processes that hang on `process` for `steps` steps in Lava's bit-exact simulation."""
    process.create_runtime(Loihi2SimCfg(select_tag="fixed_pt"))
    actors = process.runtime._messaging_infrastructure.actors
    threading.Thread(target=_end_with_the_first, args=(actors,), daemon=True).start()
    process.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))


def _end_with_the_first(actors: list[Any]) -> None:
    """Wait until a process ends, which none does before the job's end, then print why and end the job.

    Lava itself would wait for the dead one for ever.
    """
    try:
        connection.wait([actor.sentinel for actor in actors])
        for actor in actors:
            if actor.exception:
                print(actor.exception[1], file=sys.stderr)
        print("A process of Lava ended before the run did.", file=sys.stderr)
    finally:
        if sys.exc_info()[0]:
            traceback.print_exc()
        exit_at_once(1)
