"""How long `snn-deploy --help` takes, as a multiple of a bare Python.

    uv run python benchmarks/start_up.py [--rounds 20]

Both are started in turn, in wall time; the ratio is that of the medians. A verb's own imports are not part of it.
"""

import argparse
import statistics
import subprocess
import sys
import time

BARE = [sys.executable, "-c", "pass"]
HELP = [sys.executable, "-m", "snn_deploy.cli.main", "--help"]
LARGEST_RATIO = 10  # the goal


def seconds(command: list[str]) -> float:
    """Return the wall time of one run of `command`."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def medians(rounds: int) -> tuple[float, float]:
    """Return the median times of a bare Python and of --help, in seconds, after one run of each to fill the caches."""
    seconds(BARE), seconds(HELP)
    pairs = [(seconds(BARE), seconds(HELP)) for _ in range(rounds)]
    bare, shown = zip(*pairs, strict=True)
    return statistics.median(bare), statistics.median(shown)


def main() -> int:
    """Print the two medians and their ratio; exit code 1 where the ratio is larger than the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    bare, shown = medians(parser.parse_args().rounds)
    print(f"bare Python {1000 * bare:.0f} ms, snn-deploy --help {1000 * shown:.0f} ms: {shown / bare:.1f} times")
    return int(shown > LARGEST_RATIO * bare)


if __name__ == "__main__":
    sys.exit(main())
