"""Finds and imports the code of a skill, so that two skills of one bundle never mix.

Every skill may have a `main.py` and a `helper.py` of its own. The entry is loaded by its path, as
the module `<skill folder>.<file>`; what it imports from its own folder goes by plain names, which
another skill uses too. A warm parent that has loaded one therefore takes those names out of
`sys.modules` again and puts them back in the process that runs that skill.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., Any]


class NoSuchFunction(Exception):
    """The entry file was imported and does not define the function."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Which function of a bundle to call. `folder` is absolute, `file` relative to it.

    A `file` that is no Python file is the name of a module of ours instead.
    """

    bundle: str
    folder: str
    file: str
    function: str

    @property
    def is_ours(self) -> bool:
        return not self.file.endswith(".py")

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.file)

    @property
    def module_name(self) -> str:
        if self.is_ours:
            return self.file
        relative = os.path.relpath(self.path, self.bundle).removesuffix(".py")
        return relative.replace(os.sep, ".")


class SkillModules:
    """The modules of skills that this process, or the warm parent it was forked from, imported."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, ModuleType]] = {}
        self._plain_path = list(sys.path)

    def function(self, entry: Entry) -> Function:
        """Return the function, importing its module where that was not done before.

        Raises:
            NoSuchFunction: the module has no function of that name.
            BaseException: whatever importing the module raises.
        """
        self._set_path(entry)
        sys.modules.update(self._kept.get(entry.path, {}))
        module = sys.modules.get(entry.module_name) or _import(entry)
        function = getattr(module, entry.function, None)
        if not callable(function):
            raise NoSuchFunction(f"{entry.file} defines no function `{entry.function}`")
        return function  # type: ignore[no-any-return]

    def keep(self, entry: Entry) -> Function:
        """Import an entry ahead of its runs, and take the names of its folder back out."""
        try:
            function = self.function(entry)
            own = {name: module for name, module in sys.modules.items() if _is_of(module, entry)}
            self._kept[entry.path] = own
            return function
        finally:
            for name in [name for name, module in sys.modules.items() if _is_of(module, entry)]:
                del sys.modules[name]
            sys.path[:] = self._plain_path

    def _set_path(self, entry: Entry) -> None:
        runtime, *rest = self._plain_path
        wanted = [entry.bundle, entry.folder, os.path.dirname(entry.path)]
        sys.path[:] = list(dict.fromkeys([runtime, *wanted, *rest]))


def _import(entry: Entry) -> ModuleType:
    if entry.is_ours:
        return importlib.import_module(entry.file)
    specification = importlib.util.spec_from_file_location(entry.module_name, entry.path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{entry.file} is no Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[entry.module_name] = module
    try:
        specification.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(entry.module_name, None)
        raise
    return module


def _is_of(module: ModuleType, entry: Entry) -> bool:
    """Tell whether a module was found in the skill's own folder."""
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    return os.path.join(str(file), "").startswith(os.path.join(entry.folder, ""))
