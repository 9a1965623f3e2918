"""cli/pages: where the documentation is, and what of it a terminal shows."""

from pathlib import Path

from snn_deploy.cli import pages

DOCS = Path(__file__).parents[2] / "docs"


def test_a_checkout_reads_the_pages_where_they_lie():
    assert set(pages.topics()) == {page.stem for page in DOCS.glob("*.md")} - {"index"}


def test_an_installation_reads_its_own_copy(tmp_path, monkeypatch):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/only.md").write_text("# The only page\n")
    monkeypatch.setattr(pages, "_FOLDERS", (tmp_path / "pages", DOCS))
    assert pages.topics() == {"only": tmp_path / "pages/only.md"}
    assert pages.page_title(tmp_path / "pages/only.md") == "The only page"


def test_comments_and_directives_of_the_site_are_left_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\n<!-- test: a => b -->\n\n```sh\nsnn-deploy doctor\n```\n\n```{eval-rst}\n.. click::\n```\n"
    )
    assert pages.page_text(page) == "# Title\n\n```sh\nsnn-deploy doctor\n```\n\n"


def test_an_installation_says_that_the_files_a_page_names_are_elsewhere(tmp_path, monkeypatch):
    text = "Train `examples/digits.toml`."
    assert pages.left_out(text) is None  # a checkout has them
    (tmp_path / "pages").mkdir()
    monkeypatch.setattr(pages, "_FOLDERS", (tmp_path / "pages", DOCS))
    assert (pages.left_out(text) or "").startswith("examples: in the source distribution")
    assert pages.left_out("nothing of the kind") is None
