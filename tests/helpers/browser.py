"""A headless Chromium: what a page looks like to it, without a driver."""

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A reader of the report has a browser, a machine that makes one need not; .ci/run installs it, so CI opens the pages.
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium, as .ci/run does")

_AXE = """axe.run().then(found => {
    document.title = 'found: ' + JSON.stringify(found.violations.map(v => v.id + ' ' + v.nodes[0].html));
})"""
# Tables beyond their frame without a gradient in it, and the page itself where it is wider than `width`.
_CLIPPED = """
document.body.style.width = '%dpx';
const frames = [...document.querySelectorAll('.scroll')].filter(f => f.scrollWidth > f.clientWidth + 1);
const bare = frames.filter(f => !getComputedStyle(f).backgroundImage.includes('gradient'));
const names = bare.map(f => f.getAttribute('aria-label'));
if (document.body.scrollWidth > %d) names.push('the page');
document.title = 'found: ' + JSON.stringify(names.concat([frames.length + ' scroll']));
"""


def opened(page: Path, width: int, folder: Path, query: str = "") -> tuple[str, list[str]]:
    """Return (the page as the browser built it, lines of its console); its profile is in `folder`.

    query: what follows the page's address, such as "?q=word".
    """
    assert CHROMIUM  # needs_chromium
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={folder}", f"--window-size={width},1200", "--enable-logging=stderr"]
    command += ["--disable-background-networking", "--virtual-time-budget=20000", "--dump-dom", page.as_uri() + query]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def accessibility_violations(page: Path, width: int, folder: Path) -> list[str]:
    """Return what axe finds in `page`, one line for each rule that it breaks."""
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    return _found_by(page, width, folder, (axe, _AXE))


def clipped_without_a_sign(page: Path, width: int, folder: Path) -> tuple[list[str], int]:
    """Return (what is wider than a page of `width` pixels and does not show it, how many tables scroll)."""
    *names, count = _found_by(page, width, folder, (_CLIPPED % (width, width),))
    return names, int(count.split()[0])


def _found_by(page: Path, width: int, folder: Path, scripts: tuple[str, ...]) -> list[str]:
    """Return the list of words that the last of `scripts`, run at the end of `page`, writes into its title."""
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    copy = folder / "with_script.html"
    ends = "".join(f"<script>{script}</script>" for script in scripts)
    copy.write_text(html.replace("</body>", f"{ends}</body>"), encoding="utf-8")
    built, _ = opened(copy, width, folder / "profile")
    found = re.search(r"<title>found: (\[.*?\])</title>", built, re.DOTALL)
    assert found, "the script did not run"
    words: list[str] = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return words
