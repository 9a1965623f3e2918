"""array_file: a JSON header and numpy arrays in one .npz, without pickle, byte for byte repeatable.

The file is an ordinary zip of .npy members, so `numpy.load` opens it. The member `header.npy` holds UTF-8
JSON with the format name, its version, the header itself and the SHA-256 of everything.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn_deploy.support.atomic_file import write_bytes
from snn_deploy.support.npz_file import DAMAGE, open_npz, reason
from snn_deploy.support.require_file import require_file
from snn_deploy.support.user_error import UserError

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # a zip stores times; a fixed one keeps equal content equal in bytes
_HEADER = "header"


def write_array_file(
    path: Path, kind: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write `header` and `arrays` to `path`; see array_file_bytes."""
    write_bytes(path, array_file_bytes(kind, version, header, arrays))


def array_file_bytes(kind: str, version: int, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a file that holds `header` and `arrays`; the same content gives the same bytes."""
    envelope = {"kind": kind, "version": version, "header": header, "sha256": content_digest(header, arrays)}
    text = np.frombuffer(_canonical(envelope), dtype=np.uint8)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        _write_member(archive, _HEADER, text)
        for name in sorted(arrays):
            _write_member(archive, name, arrays[name])
    return content.getvalue()


def read_array_file(path: Path, kind: str, *versions: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return (header, arrays) of a file that `write_array_file` made, checked against its SHA-256.

    versions: that the caller reads. A missing, truncated, changed, newer or foreign file is one UserError.
    """
    path = Path(path)
    require_file(path, f"a {kind} file")
    try:
        with open_npz(path) as members:
            envelope = json.loads(members.read(_HEADER).tobytes().decode(), parse_constant=refuse_constant)
            if not isinstance(envelope, dict) or envelope.get("kind") != kind:
                found = envelope.get("kind") if isinstance(envelope, dict) else None
                raise UserError(f"{path}: holds {found!r}, not a {kind}. Give the path of a {kind} file.")
            if envelope["version"] not in versions:
                raise UserError(
                    f"{path}: {kind} format version {envelope['version']}; this program reads version "
                    f"{' or '.join(map(str, versions))}. "
                    "Make the file again, or install the version of snn-deploy that wrote it."
                )
            arrays = {name: members.read(name) for name in members.names if name != _HEADER}
            header, expected = dict(envelope["header"]), envelope["sha256"]
            json.dumps(header, ensure_ascii=False).encode()  # half of a surrogate pair is no text
            found = content_digest(header, arrays)
    except UserError:
        raise
    except DAMAGE as error:
        raise UserError(
            f"{path}: not a whole {kind} file ({reason(error)}). It is damaged, truncated or of another kind; write it "
            "again."
        ) from error
    if found != expected:
        raise UserError(f"{path}: the content does not match its SHA-256. The file was changed; write it again.")
    return header, arrays


def content_digest(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of the content, as 64 hexadecimal digits; independent of the zip around it."""
    digest = hashlib.sha256(_canonical(header))
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def plain_fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that JSON can hold; its arrays and nested dataclasses travel beside it."""
    pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
    return {name: v for name, v in pairs if not (isinstance(v, np.ndarray) or is_dataclass(v))}


def restored_fields(plain: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """Return the arguments of a dataclass from `plain_fields` read back (lists are tuples again) and `others`."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()} | others


def refuse_constant(name: str) -> None:
    """Raise ValueError for NaN and infinities, as json.loads's parse_constant: they are no JSON."""
    raise ValueError(f"{name} is no JSON")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _write_member(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    info = zipfile.ZipInfo(f"{name}.npy", _FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, buffer.getvalue())
