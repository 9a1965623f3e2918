"""JobError: a backend's program failed, took too long or was killed. Nothing is wrong with the input."""


class JobError(RuntimeError):
    """A job that failed, took too long or was killed; the message ends with its log and names the file of it.

    The command line prints the message alone and exits with code 1.
    """
