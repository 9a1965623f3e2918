"""refusal: the error that lava-dl's format, or its reader, cannot hold something of a network."""

from snn_deploy.support.user_error import UserError


def refused(what: str, why: str, first: str = "") -> UserError:
    """Return the error that `what` of the network does not fit, for the reason `why`.

    first: what may help, to be tried before another backend.
    """
    remedy = f"{first}, or run it with --backend lava." if first else "Run it with --backend lava."
    return UserError(f"netx cannot hold {what}: {why}. {remedy}")
