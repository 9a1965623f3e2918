"""Plug-ins by file name: the file losses/im_loss.py is the loss that a config calls "im_loss".

There is no registry to edit. Listing names reads the folder and imports nothing. Plug-ins of a user lie in folders of
the same names, such as PLUGINS/train/losses/quiet.py, where the environment variable SNN_DEPLOY_PLUGINS names PLUGINS
(several folders are separated as in PATH).
"""

import importlib
import os
import pkgutil
from pathlib import Path
from types import ModuleType

from snn_deploy.support.nearest_name import did_you_mean
from snn_deploy.support.user_error import UserError


def plugin_names(package: str) -> tuple[str, ...]:
    """Return the names of all plug-ins in `package` (such as "train.losses"), sorted."""
    names = [m.name for m in _modules(package) if not m.name.startswith("_")]
    return tuple(sorted(set(names)))


def load_plugin(package: str, name: str) -> ModuleType:
    """Return the imported module of the plug-in `name`; a UserError lists the names that exist."""
    require_plugin(package, name)
    return importlib.import_module(f"snn_deploy.{package}.{name}")


def require_plugin(package: str, name: str) -> None:
    """Raise the UserError of `load_plugin`, without importing the plug-in."""
    names = plugin_names(package)
    if sum(m.name == name for m in _modules(package)) > 1:
        raise UserError(
            f"{package}: two plug-ins are named {name!r}; give your own in SNN_DEPLOY_PLUGINS another name."
        )
    if name not in names:
        file = f"{package.replace('.', '/')}/{name}.py"
        raise UserError(
            f"{package}: no plug-in named {name!r}.{did_you_mean(name, names)} "
            f"Choose one of {', '.join(names)}, or add {file} (SNN_DEPLOY_PLUGINS names folders for your own)."
        )


def comes_with_the_program(package: str, name: str) -> bool:
    """Return whether the plug-in `name` is none of the user's own."""
    _, folders = _package(package)
    return any(found.name == name for found in pkgutil.iter_modules(folders))


def _modules(package: str) -> list[pkgutil.ModuleInfo]:
    """Return the modules of `package`, its own and those in the user's folders."""
    module, own = _package(package)
    places = [*own, *_users_folders(package)]
    if places != list(module.__path__):
        module.__path__ = places  # from here on Python's own import finds the user's files
        importlib.invalidate_caches()
    return [found for place in places for found in pkgutil.iter_modules([place])]


def _package(package: str) -> tuple[ModuleType, list[str]]:
    """Return the module of `package` and the folders of the plug-ins that come with the program."""
    module = importlib.import_module(f"snn_deploy.{package}")
    assert module.__spec__ is not None and module.__spec__.submodule_search_locations is not None  # a package
    return module, list(module.__spec__.submodule_search_locations)


def _users_folders(package: str) -> list[str]:
    folders = [Path(folder) for folder in os.environ.get("SNN_DEPLOY_PLUGINS", "").split(os.pathsep) if folder]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(
                f"SNN_DEPLOY_PLUGINS: {folder} is no folder. Name folders that hold train/losses and so on."
            )
    return [str((folder / package.replace(".", "/")).resolve()) for folder in folders]
