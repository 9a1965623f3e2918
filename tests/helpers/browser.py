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
    document.title = 'axe: ' + JSON.stringify(found.violations.map(v => v.id + ' ' + v.nodes[0].html));
})"""


def opened(page: Path, width: int, folder: Path) -> tuple[str, list[str]]:
    """Return (the page as the browser built it, lines of its console); its profile is in `folder`."""
    assert CHROMIUM  # needs_chromium
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={folder}", f"--window-size={width},1200", "--enable-logging=stderr"]
    command += ["--disable-background-networking", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def accessibility_violations(page: Path, width: int, folder: Path) -> list[str]:
    """Return what axe finds in `page`, one line for each rule that it breaks."""
    axe = resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    copy = folder / "with_axe.html"
    copy.write_text(html.replace("</body>", f"<script>{axe}</script><script>{_AXE}</script></body>"), encoding="utf-8")
    built, _ = opened(copy, width, folder / "profile")
    found = re.search(r"<title>axe: (\[.*?\])</title>", built, re.DOTALL)
    assert found, "axe did not run"
    violations: list[str] = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return violations
