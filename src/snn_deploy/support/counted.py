"""counted: a number with its noun, for people."""


def counted(number: int, noun: str) -> str:
    """Return "1 core" or "1,024 cores"; the plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
