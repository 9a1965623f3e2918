"""functions: which handler says what a function of torch makes of tensors that are followed.

What is not in HANDLERS, by the name of torch's function, gives a tensor that is opaque.
"""

from snn_deploy.interchange.trace import arithmetic_functions as arithmetic
from snn_deploy.interchange.trace import layer_functions as layers
from snn_deploy.interchange.trace import shape_functions as shapes
from snn_deploy.interchange.trace.handler import Handler

HANDLERS: dict[str, Handler] = {
    "linear": layers.linear,
    "conv1d": layers.convolution(1),
    "conv2d": layers.convolution(2),
    **dict.fromkeys(("matmul", "__matmul__", "mm"), layers.matrix_product),
    "avg_pool1d": layers.average_pooling(1),
    "avg_pool2d": layers.average_pooling(2),
    "lp_pool2d": layers.sum_pooling,
    "adaptive_avg_pool1d": layers.adaptive_average(1),
    "adaptive_avg_pool2d": layers.adaptive_average(2),
    "max_pool1d": layers.largest(1),
    "max_pool2d": layers.largest(2),
    "adaptive_max_pool1d": layers.adaptive_largest(1),
    "adaptive_max_pool2d": layers.adaptive_largest(2),
    "batch_norm": layers.batch_norm,
    **dict.fromkeys(("add", "__add__", "__radd__", "add_", "__iadd__"), arithmetic.sum(1.0)),
    **dict.fromkeys(("sub", "__sub__", "sub_", "__isub__", "subtract"), arithmetic.sum(-1.0)),
    **dict.fromkeys(("rsub", "__rsub__"), arithmetic.reversed_difference),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "mul_", "__imul__", "multiply"), arithmetic.product),
    **dict.fromkeys(("div", "__truediv__", "div_", "__itruediv__", "true_divide", "divide"), arithmetic.quotient),
    **dict.fromkeys(("neg", "__neg__", "negative"), arithmetic.negative),
    **dict.fromkeys(
        ("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout"), layers.dropout
    ),
    **dict.fromkeys(("clone", "detach", "contiguous", "to", "float", "double", "type_as", "type", "cpu"), shapes.same),
    **dict.fromkeys(("requires_grad_", "alias", "detach_"), shapes.same),
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "ravel"), shapes.reshape
    ),
    **dict.fromkeys(("reshape_as", "squeeze_", "unsqueeze_"), shapes.reshape),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "transpose_"), shapes.transpose),
    "permute": shapes.permute,
    "__getitem__": shapes.item,
    "select": shapes.select,
    "unbind": shapes.unbind,
    "stack": shapes.stack,
    **dict.fromkeys(("cat", "concat", "concatenate"), shapes.concatenate),
    **dict.fromkeys(("repeat", "expand", "expand_as", "tile"), shapes.repeat),
    "mean": shapes.reduced(True),
    "sum": shapes.reduced(False),
    "pad": shapes.pad,
}

NEW_TENSORS = frozenset(
    f"{name}{suffix}"
    for name in ("zeros", "ones", "empty", "full", "rand", "randn", "randint")
    for suffix in ("", "_like")
) | frozenset({"new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"})
"""Functions whose result does not depend on the values that they get."""
