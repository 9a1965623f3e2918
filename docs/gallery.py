"""gallery: the reports of docs/gallery.md, made by the commands on that page, and pictures of their first screens.

python docs/gallery.py      writes docs/gallery/*.html and docs/pictures/gallery_*.png; needs chromium for these
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
FOLDER, PICTURES = DOCS / "gallery", DOCS / "pictures"
_SIZE = (1100, 620)
_COLOURS = 64  # a page of text has few


def commands() -> list[list[str]]:
    """Return the words of each command on the page, without the program's name."""
    (block,) = re.findall(r"```sh\n(.*?)```", (DOCS / "gallery.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return [shlex.split(line)[1:] for line in block.splitlines()]


def draw_first_screen(report: Path, picture: Path) -> None:
    """Write a PNG of what a browser shows of `report` first."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("gallery: the pictures need chromium; the reports are written.")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}"]
        size = f"--window-size={_SIZE[0]},{_SIZE[1]}"
        command = [browser, *options, size, f"--screenshot={shot}", report.as_uri()]
        subprocess.run(command, check=True, capture_output=True)
        Image.open(shot).convert("RGB").quantize(_COLOURS).save(picture, optimize=True)


def main() -> None:
    """Run the commands in an empty folder, and keep the reports."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "examples").symlink_to(DOCS.parent / "examples")
        (folder / "gallery").mkdir()
        for words in commands():
            subprocess.run([sys.executable, "-m", "snn_deploy.cli.main", *words], cwd=folder, check=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(folder / "gallery", FOLDER)
    for report in sorted(FOLDER.glob("*.html")):
        draw_first_screen(report, PICTURES / f"gallery_{report.stem}.png")


if __name__ == "__main__":
    main()
