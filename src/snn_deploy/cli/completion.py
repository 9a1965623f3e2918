"""completion: what a shell offers for the values of options: profiles, backends, plug-ins, keys of a config.

Nothing here imports torch: a shell asks while somebody types.
"""

from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem

from snn_deploy.support.plugin import plugin_names

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def plug_ins(package: str, *, is_list: bool = False) -> Completer:
    """Return what offers the plug-ins of a package; is_list: with commas between, each once."""
    return _offering(lambda: plugin_names(package), is_list=is_list)


def profiles(*, is_list: bool = False) -> Completer:
    """Return what offers the hardware profiles, and files."""

    def names() -> tuple[str, ...]:
        from snn_deploy.hardware_profiles.profile import profile_names  # noqa: PLC0415 - only a shell asks for it

        return profile_names()

    return _offering(names, is_list=is_list, has_files=not is_list)


def assignments(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return keys of a config, with "=" behind; behind that the values that the key may have, where they are few.

    Of tables that choose a plug-in it is the key `name`: the other keys are in files that import torch.
    """
    key, equals, _ = begun.partition("=")
    offered = _values(key) if equals else (f"{name}=" for name in _keys())
    return [CompletionItem(text) for text in offered if text.startswith(begun)]


def _keys() -> Iterator[str]:
    from snn_deploy.train.config import train_config as config  # noqa: PLC0415 - only a shell asks for it
    from snn_deploy.train.config.config_keys import keys_of  # noqa: PLC0415

    yield from (key.name for key in keys_of(config.Numbers))
    yield from (f"{table}.name" for table in config.CHOICES)
    yield from (f"data.{key.name}" for key in keys_of(config.HeldOut))
    yield from (f"{table}.{key.name}" for table, kind in config.SETTINGS.items() for key in keys_of(kind))


def _values(key: str) -> Iterator[str]:
    from snn_deploy.train.config import train_config as config  # noqa: PLC0415 - only a shell asks for it
    from snn_deploy.train.config.config_keys import keys_of  # noqa: PLC0415

    table, _, last = key.rpartition(".")
    if last == "name" and table in config.CHOICES:
        choices = plugin_names(config.CHOICES[table].package)
    else:
        kind = config.SETTINGS.get(table, config.Numbers)
        choices = next((k.choices or _bools(k.allowed) for k in keys_of(kind) if k.name == last), ())
    yield from (f"{key}={choice}" for choice in choices)


def _bools(allowed: str) -> tuple[str, ...]:
    return ("true", "false") if allowed == "true, false" else ()


def _offering(names: Callable[[], Iterable[str]], *, is_list: bool = False, has_files: bool = False) -> Completer:
    def completed(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        before, comma, last = begun.rpartition(",") if is_list else ("", "", begun)
        taken = before.split(",")
        items = [
            CompletionItem(f"{before}{comma}{name}")
            for name in names()
            if name.startswith(last) and not (is_list and name in taken)
        ]
        return [*items, CompletionItem(begun, type="file")] if has_files else items

    return completed
