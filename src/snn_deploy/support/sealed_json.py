"""sealed_json: a JSON file that says what it is and in which version, and carries the SHA-256 of its content.

Whoever edits such a file, or cuts it off, is told so; nothing of it is used.
"""

import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn_deploy.support.array_file import refuse_constant
from snn_deploy.support.atomic_file import write_text
from snn_deploy.support.require_file import require_file
from snn_deploy.support.user_error import UserError


@dataclass(frozen=True)
class SealedJson:
    """A kind of file. content: the key under which its content stands. largest: bytes; a larger one is not read.

    what: the file in words, such as "a placement". again: what makes a new one, a sentence.
    """

    kind: str
    version: int
    content: str
    largest: int
    what: str
    again: str

    def write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write `content`, plain values, to `path`, whole or not at all."""
        whole = {"kind": self.kind, "version": self.version, "sha256": digest_of(content), self.content: content}
        write_text(path, json.dumps(whole, indent=1) + "\n")

    def read(self, path: Path) -> dict[str, Any]:
        """Return the content that was written to `path`; a damaged, edited, newer or foreign file is a UserError."""
        require_file(path, self.what)
        try:
            size = path.stat().st_size
            text = path.read_bytes() if size <= self.largest else b""
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror or error}). Give the path of {self.what}."
            ) from error
        if size > self.largest:
            raise UserError(f"{path}: {size} bytes; {self.what} has at most {self.largest}. {self.again}")
        try:
            whole = json.loads(text, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: is not {self.what} ({reprlib.repr(str(error))}). {self.again}") from error
        if not isinstance(whole, dict) or whole.get("kind") != self.kind:
            raise UserError(f"{path}: is not {self.what}. {self.again}")
        if whole.get("version") != self.version:
            raise UserError(
                f"{path}: version {reprlib.repr(whole.get('version'))}; this program reads version {self.version}. "
                f"{self.again}"
            )
        content = whole.get(self.content)
        if not isinstance(content, dict) or whole.get("sha256") != digest_of(content):
            raise UserError(f"{path}: damaged or edited, its content is not what was written. {self.again}")
        return content


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
