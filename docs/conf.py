"""The documentation site: `make docs` builds it offline into docs/_build/html; a warning is an error."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from config_keys import markdown  # noqa: E402 - docs/config_keys.py

from snn_deploy.api.init import schema_text  # noqa: E402 - behind the line above, which needs docs/ on the path

project = "snn-deploy"
copyright = "the snn-deploy authors"
extensions = ["myst_parser", "sphinx_click", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "api_names"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "README.md"]
html_theme = "furo"
html_title = "snn-deploy"
html_copy_source = False
html_show_search_summary = False  # summaries are fetched, which a browser refuses for a file
html_extra_path = ["config.schema.json"]
html_show_sphinx = False
highlight_language = "none"
smartquotes = False  # two hyphens are an option
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # the types in signatures: numpy's, and our own that have no entry
autodoc_member_order = "bysource"
napoleon_google_docstring = False
suppress_warnings = ["epub.unknown_project_files"]


def setup(app):
    """Write the config keys and their schema before Sphinx reads the pages; add the gallery's reports at the end."""

    def write(app):
        for path, text in ((HERE / "config_keys.md", markdown()), (HERE / "config.schema.json", schema_text())):
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")

    def add_gallery(app, error):
        shutil.copytree(HERE / "gallery", Path(app.outdir) / "gallery", dirs_exist_ok=True)

    app.connect("builder-inited", write)
    app.connect("build-finished", add_gallery)
