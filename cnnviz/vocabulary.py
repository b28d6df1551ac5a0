"""The names of operations, by what is true of them wherever they are read."""

ACTIVATIONS = frozenset(
    (
        "celu elu gelu hardshrink hardsigmoid hardswish hardtanh leakyrelu logsigmoid mish prelu relu relu6 rrelu selu "
        "sigmoid silu softplus softshrink softsign tanh tanhshrink threshold"
    ).split()
)
"""Element by element, a non-linearity."""

NORMS = frozenset({"batchnorm", "groupnorm", "instancenorm", "layernorm", "lrn"})

KEEPS_SHAPE = ACTIVATIONS | NORMS | {"dropout", "softmax", "logsoftmax"}
"""Their output has their input's shape."""

POINTWISE = (
    ACTIVATIONS
    | {"add", "sub", "mul", "div", "pow", "neg", "abs", "exp", "sqrt", "clamp", "maximum", "minimum", "where"}
    | {"batchnorm", "lrn", "concat", "dropout", "output"}
)
"""A unit sees of each input no more than the place it stands at."""
