"""Mutations of files: of any bytes, and of what JSON, TOML, .npz and HDF5 files hold, with right checksums."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

CLAIMS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63), 10**30, 1.5, -0.0, 1e308, 1e-320),
    *("", "x", "a" * 5000, "\x1b[2J", "\ud800", "../../etc/passwd", "/", "\x00", "NaN", "é"),
    *([], {}, [[]], [1, 2, 3], ["a"], [None], {"a": 1}, [10**9] * 3, [-1, 2, 2], [[1, 2], [3]]),
)
ARRAYS = (
    *(np.zeros(0, np.int8), np.zeros((0, 5)), np.array(3), np.array([np.nan, np.inf]), np.zeros((2, 2), bool)),
    *(np.array([2**63], np.uint64), np.array(["a"]), np.array([1 + 2j]), np.zeros((1,) * 20), np.full(7, 1e300)),
    *(
        np.array("2020", "datetime64[D]"),
        np.zeros(2, [("a", "i4")]),
        np.full((3, 3), -(2**40)),
        np.zeros(3, np.float16),
    ),
)


def bytes_mutated(rng: random.Random, content: bytes) -> bytes:
    """Return `content` with bits flipped, cut off, written over, put in, taken out or doubled somewhere."""
    data = bytearray(content)
    at, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8, 64, 512))
    kind = rng.randrange(7)
    if kind == 0:
        for _ in range(rng.choice((1, 1, 1, 3, 20))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        data[at : at + length] = rng.randbytes(length)
    elif kind == 3:
        data[at : at + length] = rng.choice((b"\0", b"\xff", b"{", b"\x7f")) * length
    elif kind == 4:
        data[at:at] = rng.randbytes(length)
    elif kind == 5:
        del data[at : at + length]
    else:
        data[at:at] = data[at : at + length]
    return bytes(data)


def plain_mutated(rng: random.Random, value: Any) -> Any:
    """Return nested tables and lists with one entry of another type or value, left out, or put elsewhere."""
    changed = copy.deepcopy(value)
    places = list(_places(changed))
    if not places:
        return rng.choice(CLAIMS)
    holder, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, there = rng.choice(places)
        holder[key] = copy.deepcopy(other[there])
    elif kind == 2 and isinstance(holder, dict):
        holder[rng.choice(("x", "", "name", "a/b", "\ud800"))] = holder.pop(key)
    elif kind == 3 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
        holder[key] = rng.choice(
            (-holder[key], holder[key] + 1, holder[key] * 10**9, holder[key] - 1, str(holder[key]))
        )
    else:
        holder[key] = copy.deepcopy(rng.choice(CLAIMS))
    return changed


def arrays_mutated(rng: random.Random, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return named arrays with one of another type, shape or value, left out, or under another name."""
    changed, name = dict(arrays), rng.choice(sorted(arrays))
    array, kind = changed[name], rng.randrange(6)
    if kind == 0:
        del changed[name]
    elif kind == 1:
        changed[rng.choice(("x", "header2", *arrays))] = array
    elif kind == 2 and array.size > 1:
        changed[name] = array.ravel()[: rng.randrange(array.size)]
    elif kind == 3:
        changed[name] = array.astype(rng.choice((np.float64, np.int8, np.uint64, bool, np.complex64)))
    elif kind == 4 and array.size and array.dtype.kind in "iuf":
        flat = array.copy().ravel()
        largest = np.finfo if array.dtype.kind == "f" else np.iinfo
        flat[rng.randrange(flat.size)] = rng.choice((0, 1, largest(array.dtype).max, largest(array.dtype).min))
        changed[name] = flat.reshape(array.shape)
    else:
        changed[name] = rng.choice(ARRAYS)
    return changed


def mutate_hdf5(rng: random.Random, file: h5py.File) -> None:
    """Change one object of an open HDF5 file: gone, of another type or shape, a link, a claim, elsewhere."""
    names: list[str] = []
    file.visit(names.append)
    name, kind = rng.choice(names), rng.randrange(9)
    is_array = isinstance(file[name], h5py.Dataset)
    old = file[name][()] if is_array else None
    if kind == 8:
        owner = file[rng.choice([*names, "/"])]
        owner.attrs[rng.choice([*owner.attrs, "n_neurons"])] = rng.choice((0, -1, "x", 2**40, [1.5, 2.5], b"\xff"))
        return
    copied = rng.choice(names)
    if kind == 7 and not copied.startswith(name) and not name.startswith(copied):
        del file[name]
        file.copy(copied, name)
        return
    del file[name]
    if kind == 0:
        return
    if kind == 1:
        file[name] = rng.choice((h5py.SoftLink("/"), h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink(f"/{name}")))
    elif kind == 2:
        file.create_dataset(name, rng.choice(((2**33,), (2**20, 2**20), (0,), (1,) * 8)), "f8", chunks=True)
    elif kind == 3 and isinstance(old, np.ndarray) and old.dtype.kind in "iuf":
        (file[name],) = arrays_mutated(rng, {"x": old}).values() or (0,)
    elif kind == 4:
        file[name] = np.bytes_(rng.choice((b"\xff\xfe", b"", b"x" * 5000, b"\x1b[2J")))
    elif kind == 5:
        file.create_group(name)
    else:
        claim = rng.choice(
            [c for c in CLAIMS if isinstance(c, bool | float) or (isinstance(c, int) and abs(c) < 2**62)]
        )
        file[name] = claim


def text_of(value: Any) -> str:
    """Return JSON, with NaN where a claim has it."""
    return json.dumps(value)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (table or list, key) of everything inside `value`."""
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, below in items:
        yield value, key
        yield from _places(below)
