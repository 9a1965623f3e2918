"""UserError: the one exception that means "the input is wrong", never "the program is wrong"."""

from snn_deploy.support.printable import one_line


class UserError(ValueError):
    """A mistake in what the user gave. The message says where, what was found, what is allowed, what to do.

    The command line prints the message alone and exits with code 2. What it quotes from files is on one line.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())
