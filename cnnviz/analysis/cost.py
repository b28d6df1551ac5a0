"""What a layer costs: multiply-accumulates, and connections as LeCun et al. counted them.

One multiply-accumulate counts 1, as in the papers; a FLOP count is twice that. Only
convolutions and fully connected layers count, without their biases, which is what
PyTorch's FlopCounterMode gives (halved) and what the published figures are.
"""

import math
from collections.abc import Mapping

from cnnviz.graph import Layer, Shape, Value


def multiply_accumulates(op: str, hyperparameters: Mapping[str, Value], input_shape: Shape, output_shape: Shape) -> int:
    """Multiply-accumulates of one picture; 0 for whatever is neither convolution nor fully connected.

    A convolution takes, for each value of its output, kernel height x width x the channels that
    its filter reads (a connection table says how many it has in all). VGG16 has 15.47 billion.
    """
    if op == "linear":
        return math.prod(output_shape) * _int(hyperparameters["in_features"])
    if op not in ("conv", "convtranspose"):
        return 0
    kernel = hyperparameters.get("kernel")
    if not isinstance(kernel, tuple):
        return 0  # called by a name that we don't know the arguments of
    window = math.prod(kernel)
    if "connections" in hyperparameters:
        return math.prod(output_shape[1:]) * window * _int(hyperparameters["connections"])
    groups = _int(hyperparameters["groups"])
    if op == "convtranspose":
        return math.prod(input_shape) * window * output_shape[0] // groups
    return math.prod(output_shape) * window * _int(hyperparameters["in_channels"]) // groups


def connections(layer: Layer) -> int:
    """Connections of a layer as LeCun et al. 1998 count them: every weight and bias, each time it is used.

    LeNet-5: C1 122,304, S2 5,880, C3 151,600, S4 2,000, C5 48,120, F6 10,164, output 840.
    """
    units = math.prod(layer.output_shape)
    if layer.op == "subsample":
        kernel = layer.hyper("kernel")
        assert isinstance(kernel, tuple)
        return units * (math.prod(kernel) + 1)
    if layer.op == "rbf":
        return units * _int(layer.hyper("in_features"))
    return layer.macs + (units if layer.hyper("bias") else 0)


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
