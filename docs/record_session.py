"""record_session: the terminal session in README.md, recorded by running its commands.

    python docs/record_session.py            writes it into README.md between its two marks
    python docs/record_session.py --check    exit code 1 where README.md shows something else

What differs between machines is left out: lines with times.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "snn-deploy train examples/digits.toml --set training.epochs=3 --out runs/digits",
    "snn-deploy export runs/digits --target loihi",
    "snn-deploy verify runs/digits/loihi --backends reference,cpu,onnx --inputs data,nasty",
)
_BEGIN, _END = "<!-- session: make session writes it -->\n\n```console\n", "```\n\n<!-- end of session -->"
_TIMES = re.compile(r"samples a second|wrote |^\s*$")


def recorded() -> str:
    """Return the commands and what they print, run in an empty folder."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        for command in COMMANDS:
            words = [sys.executable, "-m", "snn_deploy.cli.main", *shlex.split(command)[1:]]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
            lines += [f"$ {command}", *(line.rstrip() for line in done.stdout.splitlines() if not _TIMES.search(line))]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the session in README.md."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    shown, after = rest.split(_END, 1)
    found = recorded()
    if "--check" in sys.argv:
        sys.stdout.write("" if found == shown else found)
        return int(found != shown)
    readme.write_text(before + _BEGIN + found + _END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
