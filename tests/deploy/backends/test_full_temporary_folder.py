"""Jobs that find no room for their files end in one line, and leave nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers.lava_help import needs_lava
from helpers.small_disk import PAGE, leave, mounted
from helpers.small_network import one_neuron

from snn_deploy.deploy.backends import lava
from snn_deploy.support.atomic_file import WriteError


@needs_lava
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_lava_job_without_room(pages, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as place, mounted(Path(place) / "d", 2**20) as disk:  # sockets: short
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        leave(disk, pages * PAGE)
        with pytest.raises(WriteError) as caught:
            lava.run(one_neuron(steps=4, inputs=3), np.zeros((2, 3), np.uint8))
        assert str(caught.value).startswith(f"{disk}/snn-deploy-")
        assert "cannot be written (No space left on device). Make room there" in str(caught.value)
        assert [path.name for path in disk.iterdir()] == ["filler"]
        monkeypatch.undo()
