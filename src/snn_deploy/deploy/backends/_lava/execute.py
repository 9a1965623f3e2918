"""execute: run Lava processes for some steps, and end the job as soon as one of them dies."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import AbstractLoihiRunCfg, Loihi2SimCfg

from snn_deploy.deploy.backends._lava.child_process import exit_at_once

_PATIENCE = 2.0  # seconds until a process that failed has told why


def execute(
    process: AbstractProcess,
    *stretches: int,
    pause: Callable[[], None] = lambda: None,
    config: AbstractLoihiRunCfg | None = None,
) -> None:
    """Run all processes that hang on `process` for these numbers of steps, one after another.

    pause: called after each stretch. config: where they run; None is Lava's bit-exact simulation.
    """
    config = config or simulation()
    process.create_runtime(config)
    actors = process.runtime._messaging_infrastructure.actors
    threading.Thread(target=_end_with_the_first, args=(actors,), daemon=True).start()
    try:
        for steps in stretches:
            process.run(condition=RunSteps(num_steps=steps), run_cfg=config)
            pause()
    except RuntimeError as error:
        raise RuntimeError(_last_words(actors) or str(error)) from None


def simulation() -> AbstractLoihiRunCfg:
    """Return the configuration of Lava's bit-exact simulation."""
    return Loihi2SimCfg(select_tag="fixed_pt")


def _end_with_the_first(actors: list[Any]) -> None:
    """Wait until a process ends, which none does before the job's end, then print why and end the job.

    Lava itself would wait for a process that was killed for ever.
    """
    try:
        connection.wait([actor.sentinel for actor in actors])
        # The first to end may be one that was told to, because another one failed.
        deadline = time.monotonic() + _PATIENCE
        while not _last_words(actors) and time.monotonic() < deadline:
            time.sleep(0.05)
        print(_last_words(actors) or "A process of Lava was killed.", file=sys.stderr)
    finally:
        if sys.exc_info()[0]:
            traceback.print_exc()
        exit_at_once(1)


def _last_words(actors: list[Any]) -> str:
    """Return the tracebacks of the processes that failed."""
    return "\n".join(actor.exception[1] for actor in actors if actor.exception)
