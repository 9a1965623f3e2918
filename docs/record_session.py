"""record_session: the terminal session in README.md, recorded by running its commands.

    python docs/record_session.py            writes it into README.md between its two marks
    python docs/record_session.py --check    exit code 1 where README.md shows something else

Only the lines that a pattern chooses are shown: a reader needs few, and lines with times differ between machines.
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A command -> which of its lines are shown, a pattern; each gap becomes one line "...".
COMMANDS = {
    "snn-deploy train examples/digits.toml --set training.epochs=3 --out runs/digits": r"^epoch",
    "snn-deploy export runs/digits --target loihi": r"^ |accuracy",
    "snn-deploy verify runs/digits/loihi --backends reference,cpu,onnx --inputs data,nasty": r"^(data|nasty images):",
    "snn-deploy map runs/digits/loihi": r" cores? on ",
    "snn-deploy energy runs/digits/loihi --profile loihi2 --samples 50": r"^energy:",
}
_BEGIN, _END = "<!-- session: make session writes it -->\n\n```console\n", "```\n\n<!-- end of session -->"


def recorded() -> str:
    """Return the commands and what they print, run in an empty folder."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        for command, shown in COMMANDS.items():
            words = [sys.executable, "-m", "snn_deploy.cli.main", *shlex.split(command)[1:]]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
            lines += [f"$ {command}", *shortened(done.stdout, shown)]
    return "\n".join(lines) + "\n"


def shortened(printed: str, shown: str) -> list[str]:
    """Return the lines of `printed` in which the pattern `shown` is found; "..." for each gap, blank lines aside."""
    lines: list[str] = []
    for line in filter(str.strip, printed.splitlines()):
        if re.search(shown, line):
            lines.append(line.rstrip())
        elif lines[-1:] != ["..."]:
            lines.append("...")
    return lines


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
