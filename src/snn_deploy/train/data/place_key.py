"""place_key: which option of a data set says where its files are."""

from dataclasses import fields


def place_key(dataset: type) -> str:
    """Return the first option of a data set: NAME:PATH is the data set NAME with PATH there."""
    return next((field.name for field in fields(dataset)), "folder")
