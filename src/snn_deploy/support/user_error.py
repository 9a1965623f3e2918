"""UserError: the one exception that means "the input is wrong", never "the program is wrong"."""

from snn_deploy.support.printable import one_line

_LONGEST_HALF = 1000  # letters: the start says where and what was found, the end what to do


class UserError(ValueError):
    """A mistake in what the user gave. The message says where, what was found, what is allowed, what to do.

    The command line prints the message alone and exits with code 2. What it quotes from files is on one line, and is
    not long.
    """

    def __str__(self) -> str:
        text = one_line(super().__str__())
        return text if len(text) <= 2 * _LONGEST_HALF else f"{text[:_LONGEST_HALF]} [...] {text[-_LONGEST_HALF:]}"
