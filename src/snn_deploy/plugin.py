"""Plug-ins by file name: the file losses/im_loss.py is the loss that a config calls "im_loss".

There is no registry to edit. Listing names reads the folder and imports nothing.
"""

import importlib
import pkgutil
from types import ModuleType

from snn_deploy.nearest_name import did_you_mean
from snn_deploy.user_error import UserError


def plugin_names(package: str) -> tuple[str, ...]:
    """Return the names of all plug-ins in `package` (such as "train.losses"), sorted."""
    folder = importlib.import_module(f"snn_deploy.{package}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_")))


def load_plugin(package: str, name: str) -> ModuleType:
    """Return the imported module of the plug-in `name`; a UserError lists the names that exist."""
    names = plugin_names(package)
    if name not in names:
        file = f"{package.replace('.', '/')}/{name}.py"
        raise UserError(
            f"{package}: no plug-in named {name!r}.{did_you_mean(name, names)} "
            f"Choose one of {', '.join(names)}, or add {file}."
        )
    return importlib.import_module(f"snn_deploy.{package}.{name}")
