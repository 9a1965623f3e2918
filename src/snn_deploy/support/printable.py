"""printable: text as one line that a terminal shows and does nothing else with."""


def one_line(text: str) -> str:
    r"""Return `text` with what is no visible character written as its escape, such as \n, \x1b and \u202e.

    Names, versions and messages come out of files, and a file may be made to move the cursor, to name a window, or to
    write a line that looks like one of the program.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
