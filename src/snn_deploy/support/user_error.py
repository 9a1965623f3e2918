"""UserError: the one exception that means "the input is wrong", never "the program is wrong"."""


class UserError(ValueError):
    """A mistake in what the user gave. The message says where, what was found, what is allowed, what to do.

    The command line prints the message alone and exits with code 2; every other exception keeps its traceback.
    """
