"""What an installed snn-deploy must do, in seconds: its doctor, a small training, an export, and identical spikes.

packages.py runs it with the Python of each environment, in an empty folder; status 1 where something fails.
"""

import sys
from pathlib import Path

import snn_deploy as sd

CONFIG = """steps = 2
[data]
name = "digits"
[model]
layers = "16-10"
[training]
epochs = 1
threads = 1
synapses = "float32"
"""


def main() -> None:
    """Print one line of what was done."""
    diagnosis = sd.doctor()
    works = [name for name, backend in diagnosis.backends.items() if backend.state == "works"]
    if not diagnosis.is_sound or not {"cpu", "reference"} <= set(works):
        sys.exit(f"doctor: {diagnosis.to_dict()['backends']}")
    Path("smoke.toml").write_text(CONFIG, encoding="utf-8")
    run = sd.train("smoke.toml", out="smoke")
    exported = sd.export(run.network, chip="loihi2").save("smoke/loihi", target="loihi")
    found = sd.verify(exported.network, samples=10, backends=works)
    if not found.is_identical or not found.spikes:
        sys.exit(f"verify: {found}")
    packages = ("torch", "numpy", "numba")
    versions = ", ".join(f"{name} {diagnosis.versions[name]}" for name in packages)
    print(f"{versions}: {found.spikes} spikes identical on {', '.join(works)}")


if __name__ == "__main__":
    main()
