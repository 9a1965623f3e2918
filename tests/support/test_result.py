"""Results say the same to a person, a notebook and a program; markup in data is text."""

from dataclasses import dataclass

from snn_deploy.support.result import Block, Result, Table, as_text


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
