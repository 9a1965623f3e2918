"""picture_file: the picture formats that the tool writes."""

from pathlib import Path

from snn_deploy.support.user_error import UserError

_FORMATS = (".png", ".svg")


def require_picture(path: Path) -> None:
    """Raise UserError for a name that ends like no picture that can be written."""
    if path.suffix not in _FORMATS:
        raise UserError(f"--picture {path}; allowed are files that end with {' or '.join(_FORMATS)}.")
