"""Checks the locked set (constraints.txt): its licences by licences.toml, known vulnerabilities by pip-audit.

`make audit` runs it. Licences are read from the installed metadata, so they are checked without a network as well; then
vulnerabilities are not, which is said. It ends with status 1 where a licence is not allowed or not known, and where a
vulnerability is known.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from license_expression import ExpressionError, LicenseWithExceptionSymbol, get_spdx_licensing
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCKED = Path(__file__).parents[1] / "constraints.txt"
RULES = Path(__file__).with_name("licences.toml")
_PIP_AUDIT = "pip-audit==2.10.1"
# What uv and pip-audit say where they reach nobody.
_NO_NETWORK = re.compile(
    r"connection|connect to|dns error|resolve|timed out|error sending request|fetch|network was", re.IGNORECASE
)
_NO_LICENCES = ("OSI Approved", "DFSG approved")  # classifiers under "License" that name none
_SPDX = get_spdx_licensing()


@dataclass(frozen=True)
class Rules:
    """licences.toml: SPDX identifiers, other names of them, and name patterns of packages -> licence, or why not."""

    allowed: frozenset[str]
    names: dict[str, str]
    stated: dict[str, str]
    exceptions: dict[str, str]

    @classmethod
    def read(cls, path: Path = RULES) -> "Rules":
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(frozenset(table["allowed"]), table["names"], table["stated"], table["exceptions"])

    def objection(self, package: str, said: "Said") -> str | None:
        """Return what is wrong with the licence of a package whose metadata say `said`, None where nothing is."""
        if any(fnmatch(package, pattern) for pattern in self.exceptions):
            return None
        if package in self.stated:
            texts = (self.stated[package],)
        elif said.expression:
            texts = (said.expression,)
        elif said.classifiers:  # whether several are a choice or a sum is nowhere said: each must be allowed
            texts = (*said.classifiers, said.text) if self._parsed(said.text) else said.classifiers
        else:
            texts = (said.text,)
        return next((wrong for wrong in map(self._wrong, texts) if wrong), None)

    def without_package(self, packages: Iterable[str]) -> list[str]:
        """Return the packages of the rules that the locked set does not have, or no longer."""
        found = set(packages)
        return [p for p in (*self.stated, *self.exceptions) if not any(fnmatch(name, p) for name in found)]

    def _wrong(self, text: str) -> str | None:
        parsed = self._parsed(text)
        if parsed is None:
            return f"unknown licence {text[:60]!r}" if text else "no licence in its metadata"
        return None if self._allows(parsed) else f"licence {parsed} is not allowed"

    def _parsed(self, text: str):
        """Return the expression that a text is or stands for, None where it is neither."""
        try:
            return _SPDX.parse(self.names.get(text, text), validate=True)
        except ExpressionError:
            return None

    def _allows(self, expression) -> bool:
        if isinstance(expression, LicenseWithExceptionSymbol):
            return self._allows(expression.license_symbol)
        if isinstance(expression, _SPDX.OR):
            return any(map(self._allows, expression.args))
        if isinstance(expression, _SPDX.AND):
            return all(map(self._allows, expression.args))
        return expression.key in self.allowed


@dataclass(frozen=True)
class Said:
    """What the metadata of a package say of its licence; only the expression is sure to be SPDX."""

    expression: str = ""
    text: str = ""
    classifiers: tuple[str, ...] = ()

    @classmethod
    def of(cls, package: str) -> "Said":
        found = metadata(package)
        kinds = (c.rpartition(" :: ")[2] for c in found.get_all("Classifier", []) if c.startswith("License :: "))
        licences = tuple(kind for kind in kinds if kind not in _NO_LICENCES)
        return cls(found.get("License-Expression", ""), found.get("License", ""), licences)


def check_licences(locked: list[Requirement], rules: Rules) -> list[str]:
    """Print what was checked; return one line for each objection."""
    objections, absent = [], []
    here = [r for r in locked if r.marker is None or r.marker.evaluate()]
    for requirement in here:
        try:
            wrong = rules.objection(requirement.name, Said.of(requirement.name))
        except PackageNotFoundError:
            absent.append(requirement.name)
            continue
        if wrong:
            objections.append(f"{requirement}: {wrong}")
    objections += [
        f"{RULES.name} names {name}, which {LOCKED.name} does not"
        for name in rules.without_package(r.name for r in locked)
    ]
    print(f"licences: {len(here) - len(absent)} packages checked, {len(objections)} objections")
    if absent:
        print(f"licences: not installed, so not checked: {', '.join(absent)}")
    return objections


def check_vulnerabilities(locked: list[Requirement]) -> list[str]:
    """Print what was checked, by pip-audit, for this Python and system; return one line for each vulnerability."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "pinned.txt"
        pinned.write_text("".join(f"{requirement}\n" for requirement in locked))
        tool = [os.environ.get("UV", "uv"), "tool", "run", "--quiet", _PIP_AUDIT]
        command = [*tool, "-r", str(pinned), "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner=off"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        if _NO_NETWORK.search(done.stderr):
            print("vulnerabilities: not checked: no network")
            return []
        sys.exit(f"pip-audit ended with status {done.returncode} and no report:\n{done.stderr}")
    return vulnerabilities(report)


def vulnerabilities(report: dict) -> list[str]:
    """Print how much a report of pip-audit covers; return one line for each vulnerability in it."""
    known = [package for package in report["dependencies"] if "vulns" in package]
    unknown = [package["name"] for package in report["dependencies"] if "vulns" not in package]
    found = [
        f"{p['name']}=={p['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'nothing yet'}"
        for p in known
        for flaw in p["vulns"]
    ]
    print(f"vulnerabilities: {len(known)} packages checked, {len(found)} found")
    if unknown:  # pip-audit calls this success
        which = f"{len(unknown)} packages: {', '.join(unknown)}" if known else "any of these packages"
        print(f"vulnerabilities: not checked: the service does not know {which}")
    return found


def main() -> int:
    lines = [line for line in LOCKED.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    locked = [Requirement(line) for line in lines]
    objections = check_licences(locked, Rules.read()) + check_vulnerabilities(locked)
    print(*objections, sep="\n", end="\n" if objections else "")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main())
