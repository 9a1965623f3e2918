"""pages: the documentation where the user is: the wheel's own copy, or the folder docs/ of a checkout."""

import re
from pathlib import Path

# Which page says more about a verb; errors point to it.
TOPICS = {
    "compare": "bias_free_training",
    "energy": "energy",
    "exits": "early_exits",
    "export": "export",
    "fit": "fit",
    "fuzz": "exactness",
    "init": "config_keys",
    "map": "mapping",
    "profiles": "add_your_own",
    "report": "first_deployment",
    "run": "verbs",
    "search": "best_deployment",
    "train": "config_keys",
    "verify": "exactness",
}
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "pages", _PACKAGE.parents[1] / "docs")  # as the wheel installs them; as they lie in a checkout
_ONLY_IN_SOURCES = ("examples", "benchmarks")
_START_OF_THE_SITE = "index"  # lists the other pages, by a directive of the site


def topics() -> dict[str, Path]:
    """Return every topic -> its Markdown file, sorted; nothing where the documentation is not there."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    pages = sorted(folder.glob("*.md")) if folder else []
    return {page.stem: page for page in pages if page.stem != _START_OF_THE_SITE}


def left_out(text: str) -> str | None:
    """Return what to know of the files that the page `text` names, where an installation does not have them."""
    names = [folder for folder in _ONLY_IN_SOURCES if f"{folder}/" in text]
    if not names or not _FOLDERS[0].is_dir():
        return None
    return (
        f"{' and '.join(names)}: in the source distribution, not in this installation. snn-deploy init writes configs."
    )


def page_title(page: Path) -> str:
    """Return the heading of a page."""
    with page.open(encoding="utf-8") as lines:
        return next(lines).removeprefix("# ").strip()


def page_text(page: Path) -> str:
    """Return the Markdown of a page without comments and without the directives of the site."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<!--.*?-->\n*", "", text, flags=re.DOTALL)
    return re.sub(r"^```\{.*?^```\n*", "", text, flags=re.DOTALL | re.MULTILINE)
