"""graph: an ONNX graph that grows node by node; every value is named after the layer that it belongs to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BATCH = "batch"  # the symbolic size of the samples' axis

Kind = type[np.generic]
_ONNX_TYPES: dict[Kind, int] = {
    np.uint8: TensorProto.UINT8,
    np.int32: TensorProto.INT32,
    np.int64: TensorProto.INT64,
    np.float32: TensorProto.FLOAT,
    np.float64: TensorProto.DOUBLE,
}


class Graph:
    """Nodes in the order of their computation. A body of a loop is a graph of its own inside an outer one.

    Constants belong to the outermost graph, where a runtime can prepare them once.
    """

    def __init__(self, outer: "Graph | None" = None) -> None:
        self.root: Graph = outer.root if outer else self
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._made: set[str] = set()

    def add(self, operator: str, inputs: Sequence[str], result: str, **attributes: Any) -> str:
        """Add a node that computes the value `result`, which is also its name; return that name."""
        self.add_node(operator, inputs, [result], result, **attributes)
        return result

    def add_node(
        self, operator: str, inputs: Sequence[str], results: Sequence[str], name: str, **attributes: Any
    ) -> None:
        """Add a node of any number of results."""
        self._made.update(results)
        self.nodes.append(helper.make_node(operator, list(inputs), list(results), name=name, **attributes))

    def has(self, value: str) -> bool:
        """Whether a node of this graph has made `value`."""
        return value in self._made

    def constant(self, name: str, values: Any, kind: Kind | None = None) -> str:
        """Return `name`, which now stands for `values`; in their own type unless `kind` is given."""
        array = np.ascontiguousarray(values) if kind is None else np.asarray(values, kind)
        self.root.constants.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def cast(self, value: str, kind: Kind, result: str) -> str:
        """Return `value` as numbers of `kind`, under the name `result`; added once."""
        if not self.has(result):
            self.add("Cast", [value], result, to=_ONNX_TYPES[kind])
        return result

    def as_shape(self, value: str, shape: Sequence[int], result: str) -> str:
        """Return `value` in `shape`, where -1 is what is left over."""
        return self.add("Reshape", [value, self.constant(f"{result}/shape", shape, np.int64)], result)

    def sum_over(self, value: str, axes: Sequence[int], result: str) -> str:
        """Return the sums of `value` over `axes`, which disappear."""
        return self.add("ReduceSum", [value, self.constant(f"{result}/axes", axes, np.int64)], result, keepdims=0)


def described(name: str, kind: Kind, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    """Return what a graph says of an input or output."""
    return helper.make_tensor_value_info(name, _ONNX_TYPES[kind], list(shape))
