"""The reports of docs/gallery.md are those of its commands and of today's page, and open offline."""

import re

import pytest
from helpers.script import ROOT, script

FOLDER, PAGE = ROOT / "docs/gallery", (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
REPORTS = sorted(FOLDER.glob("*.html"))
SOURCES = ROOT / "src/snn_deploy/report"


def test_the_page_shows_each_report_that_its_commands_write():
    written = {
        words[words.index("--out") + 1] for words in script("docs/gallery.py").commands() if words[0] == "report"
    }
    assert written == {f"gallery/{report.name}" for report in REPORTS}
    assert written == set(re.findall(r'<a href="(gallery/[^"]*)">', PAGE))
    pictures = re.findall(r'src="(pictures/gallery_[^"]*)"', PAGE)
    assert len(pictures) == len(REPORTS)
    assert all((ROOT / "docs" / picture).exists() for picture in pictures)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.stem)
def test_a_report_is_of_todays_page(report):
    text = report.read_text(encoding="utf-8")
    style = (SOURCES / "page.css").read_text(encoding="utf-8").strip()
    template = (SOURCES / "page.html.j2").read_text(encoding="utf-8")
    assert style in text, "make gallery"
    always = {"summary", "layers", "chip", "energy", "training", "provenance"}
    known = set(re.findall(r'<h2 id="(\w+)"', template))
    assert always <= set(re.findall(r'<h2 id="(\w+)"', text)) <= known, "make gallery"
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', text)
    assert not re.findall(r"(?<![\w.])/(?:home|root|tmp|work)/", text)


def test_each_report_shows_what_the_page_says_of_it():
    texts = {report.stem: report.read_text(encoding="utf-8") for report in REPORTS}
    assert 'id="beside"' in texts["digits"]
    assert all(f"<h3>{chip}</h3>" in texts["events"] for chip in ("Intel Loihi (first generation)", "Intel Loihi 2"))
    assert "<h3>Early exits</h3>" in texts["exits"]
