"""Results say the same to a person, a notebook and a program; markup in data is text."""

from dataclasses import dataclass, replace

import pytest

from snn_deploy.support.result import Block, Result, Table, as_text, shortened


@dataclass(frozen=True, repr=False)
class Found(Result):
    name: str

    def headline(self) -> str:
        return f"found {self.name}"

    def blocks(self) -> tuple[Block, ...]:
        return (self.headline(), Table(("name", "count"), ((self.name, 3), ("b", 12))))

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name}


def test_repr_is_the_headline_and_str_has_every_block():
    assert repr(Found("a")) == "Found(found a)"
    lines = str(Found("a")).splitlines()
    assert lines[0] == "found a"
    assert [line.split() for line in lines if "12" in line] == [["b", "12"]]


def test_html_escapes_what_comes_from_data():
    html = Found("<script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") == 3


def test_brackets_in_cells_are_no_markup():
    assert "[axon] [/foo]" in as_text(Table(("a",), (("[axon] [/foo]",),)))


def test_numbers_stand_to_the_right_and_words_to_the_left():
    assert Table(("name", "count"), (("a", 3), ("b", "1,200"))).is_number == (False, True)
    assert Table(("name",), ()).is_number == (False,)


EXPORTED = Table(
    ("population", "scale", "weights", "threshold", "largest current", "largest potential", "of 24 bits"),
    (
        ("conv1", "5.3602e-05", "-89..126", 9328, 4781760, 6350775, "75.7 %"),
        ("conv2", "0.00157725", "-127..113", 317, 569344, 756160, "9.0 %"),
    ),
)


@pytest.mark.parametrize("width", [200, 140, 120, 80, 60, 40])
def test_in_any_width_every_cell_of_a_table_is_there_and_whole(width):
    lines = as_text(EXPORTED, width).splitlines()
    assert all(len(line) <= width for line in lines)
    words = " ".join(lines).split()
    for row in EXPORTED.rows:
        for cell in row:
            assert all(word in words for word in str(cell).split()), cell
    tables = words.count("conv1")  # below each other, each beside the names of the rows
    assert tables == {200: 1, 140: 1, 120: 1, 80: 1, 60: 2, 40: 3}[width]


def test_a_wide_text_breaks_between_its_words_and_only_a_very_long_one_within():
    text, path = "a policy of ours: conservative, unpublished", "x" * 70
    lines = as_text(
        Table(("resource", "allowed", "source"), (("axons", 12, text), ("bytes", 3, path))), 60
    ).splitlines()
    assert lines[2].split() == ["axons", "12", *text.split()[:5]]
    assert "".join("".join(lines[4:]).split()) == f"bytes3{path}"


def test_in_a_file_rows_stay_whole_but_for_sentences():
    name = "a name of several words, of under sixty letters"
    sentence = "only neurons that fire are updated, zeros cost nothing, " * 2
    lines = as_text(Table(("event", "nJ", "of"), ((name, 4493.2, sentence), (name, 1, "b")))).splitlines()
    assert lines[2].split() == [*name.split(), "4493.2", *sentence.split()[:6]]
    assert lines[3].split() == sentence.split()[6:12]
    assert lines[-1].split() == [*name.split(), "1", "b"]


def test_a_long_table_shows_its_first_and_last_rows_on_a_screen_and_says_what_is_left_out():
    many = Table(("layer", "spikes"), tuple((f"conv{i}", f"{1000 * i:,}") for i in range(200)))
    shown, said = shortened(many)
    assert shown.rows == (*many.rows[:30], ("...", "..."), *many.rows[-10:])
    assert shown.is_number == many.is_number
    assert said == "  160 of 200 rows are left out; --json, a pipe and a file have them all"
    few = replace(many, rows=many.rows[:50])
    asked_for = replace(many, is_asked_for=True)
    for table in (few, asked_for):
        assert shortened(table) == (table, "")
    assert as_text(many).count("conv") == 200


def test_a_number_with_its_deviation_is_not_broken():
    table = Table(("variant", "accuracy", "operations"), (("base", "93.59 ± 0.79", "148,879 ± 9,642"),))
    assert table.is_number == (False, True, True)
    for width in (30, 40, 80):
        assert "93.59 ± 0.79" in as_text(table, width)
        assert "148,879 ± 9,642" in as_text(table, width)
