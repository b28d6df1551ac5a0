"""The kinds of layers: what they are for, what they compute, and who says so."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from cnnviz.analysis.roles import JOINS
from cnnviz.graph import Layer
from cnnviz.views.explain.hyper import integer, integers, slides, window_of
from cnnviz.vocabulary import ACTIVATIONS

_LECUN = "LeCun, Bottou, Bengio, Haffner 1998: Gradient-Based Learning Applied to Document Recognition"
_KRIZHEVSKY = "Krizhevsky, Sutskever, Hinton 2012: ImageNet Classification with Deep Convolutional Neural Networks"
_LIN = "Lin, Chen, Yan 2013: Network in Network"
_SZEGEDY = "Szegedy et al. 2014: Going Deeper with Convolutions"
_HE = "He, Zhang, Ren, Sun 2015: Deep Residual Learning for Image Recognition"
_SCHERER = (
    "Scherer, Müller, Behnke 2010: Evaluation of Pooling Operations in Convolutional Architectures "
    "for Object Recognition"
)


@dataclass(frozen=True)
class Kind:
    """What layers of a kind are for, who says so, and what they compute (LaTeX)."""

    purpose: str
    source: str = ""
    definition: str | Callable[[Layer], str] = ""

    def defined_for(self, layer: Layer) -> str:
        """The definition with a layer's own numbers; '' where it is no single formula."""
        return self.definition if isinstance(self.definition, str) else self.definition(layer)


def kind_of(layer: Layer) -> Kind:
    """A layer's kind, by its operation, hyperparameters and shapes; never by its network."""
    return _KINDS.get(_variety(layer)) or (_ACTIVATION if layer.op in ACTIVATIONS else _OTHER)


def _variety(layer: Layer) -> str:
    """The kind that a layer is: its operation, or a special case of it that has a story of its own."""
    kernel, stride = integers(layer, "kernel"), integers(layer, "stride")
    if layer.op == "conv":
        if layer.hyper("connections"):
            return "conv by table"
        if integer(layer, "groups") > 1:
            return "conv in groups"
        return "conv 1×1" if set(kernel) == {1} else "conv"
    if layer.op in ("maxpool", "avgpool") and layer.input_shapes:
        whole = layer.hyper("output_size") or kernel == layer.input_shapes[0][1:]
        if whole and set(layer.output_shape[1:]) == {1}:
            return f"global {layer.op}"
        if layer.op == "maxpool" and kernel:
            overlapping = any(k > s for k, s in zip(kernel, stride, strict=True))
            return (
                "maxpool" if not overlapping else "maxpool at stride 1" if set(stride) == {1} else "overlapping maxpool"
            )
    if layer.op == "tanh" and layer.hyper("amplitude"):
        return "scaled tanh"
    if layer.op in JOINS:
        return layer.op if len(layer.input_shapes) > 1 else f"{layer.op} of one"
    return layer.op


def _element(layer: Layer) -> str:
    """The element of a window that a place of the output reads: x at c, 2i + u - 3, 2j + v - 3."""
    places = []
    for axis in (0, 1):
        w = window_of(layer, axis)
        stride, dilation = ("" if w[name] == 1 else str(w[name]) for name in "sd")
        offset = f" + {dilation}{'uv'[axis]}" if w["k"] > 1 else ""
        places.append(f"{stride}{'ij'[axis]}{offset}" + (f" - {w['p']}" if w["p"] else ""))
    return rf"x_{{c,\ {places[0]},\ {places[1]}}}"


def _offsets(layer: Layer) -> str:
    height, width = integers(layer, "kernel")
    if height == width:
        return f"u,v < {height}"
    return r",\ ".join(f"{offset} < {size}" for offset, size in (("u", height), ("v", width)) if size > 1)


def _convolution(layer: Layer) -> str:
    if slides(layer) != 2:
        return ""
    bias = " + b_o" if layer.hyper("bias") else ""
    reads = r"c \in R_o" if layer.hyper("connections") or integer(layer, "groups") > 1 else "c"
    offsets = "".join(name for name, size in zip("uv", integers(layer, "kernel"), strict=True) if size > 1)
    over = rf" \sum_{{{_offsets(layer)}}}" if offsets else ""
    weight = f"w_{{{','.join(['o', 'c', *offsets])}}}"
    return rf"y_{{o,i,j}} = \sum_{{{reads}}}{over} {weight}\ {_element(layer)}{bias}"


def _maximum(layer: Layer) -> str:
    return f"y_{{c,i,j}} = \\max_{{{_offsets(layer)}}} {_element(layer)}" if slides(layer) == 2 else ""


def _mean(layer: Layer) -> str:
    # What is divided by at a padded or overhanging edge is an option that the graph doesn't hold.
    if slides(layer) != 2 or any(integers(layer, "padding")) or layer.hyper("ceil_mode"):
        return ""
    height, width = integers(layer, "kernel")
    return f"y_{{c,i,j}} = \\frac{{1}}{{{height} \\cdot {width}}} \\sum_{{{_offsets(layer)}}} {_element(layer)}"


def _global_mean(layer: Layer) -> str:
    sizes = layer.input_shapes[0][1:]
    places = ",".join("ijk"[: len(sizes)])
    number = r" \cdot ".join(map(str, sizes))
    return rf"y_c = \frac{{1}}{{{number}}} \sum_{{{places}}} x_{{c,{places}}}"


def _subsampling(layer: Layer) -> str:
    return f"y_{{c,i,j}} = w_c \\sum_{{{_offsets(layer)}}} {_element(layer)} + b_c"


def _normalisation(layer: Layer) -> str:
    scale, shift = (r"\gamma_c ", r" + \beta_c") if layer.params or layer.shared_with else ("", "")
    return rf"y = {scale}\frac{{x - \mu_c}}{{\sqrt{{\sigma_c^2 + {_number(layer, 'eps')}}}}}{shift}"


def _local_response(layer: Layer) -> str:
    size = integer(layer, "size")
    if not size:
        return ""
    k, alpha, beta = (_number(layer, name) for name in ("k", "alpha", "beta"))
    first, last = size // 2, (size - 1) // 2
    return f"b_c = a_c \\Big/ \\left({k} + {alpha} \\sum_{{c'=c-{first}}}^{{c+{last}}} a_{{c'}}^2\\right)^{{{beta}}}"


def _scaled_tanh(layer: Layer) -> str:
    slope = layer.hyper("slope")
    inner = Fraction(slope if isinstance(slope, int | float) else 1).limit_denominator(100)
    return f"y = {_number(layer, 'amplitude')} \\tanh({inner.numerator}x/{inner.denominator})"


def _masked(layer: Layer) -> str:
    p = layer.hyper("p")
    if not isinstance(p, int | float) or not 0 < p < 1:
        return ""
    return f"y = \\frac{{m\\,x}}{{1 - {p:g}}},\\quad P(m = 0) = {p:g},\\ P(m = 1) = {1 - p:g}"


def _number(layer: Layer, name: str) -> str:
    """A hyperparameter in LaTeX: 10^{-5} for 1e-05."""
    value = layer.hyper(name)
    text = f"{value:g}" if isinstance(value, int | float) else r"\varepsilon"
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    return ("" if mantissa == "1" else rf"{mantissa} \cdot ") + f"10^{{{int(exponent)}}}"


_ACTIVATION = Kind(
    "A nonlinearity, applied to each value by itself: without one, convolutions and fully connected layers in a row "
    "would be one linear map.",
)
_OTHER = Kind(
    "An operation of this network's own, followed as its code has it; shapes, parameters and memory are its own, too.",
)
_KINDS: dict[str, Kind] = {
    "input": Kind("What the network is given, one picture without the batch."),
    "output": Kind("What the network gives back. It is the last layer's result, and nothing is computed here."),
    "conv": Kind(
        "Each filter is slid over the maps and answers, place by place, how much of its pattern is there. "
        "A unit reads a small neighbourhood only, and all units of a map share their weights.",
        f"{_LECUN}, section II.A",
        _convolution,
    ),
    "conv 1×1": Kind(
        "A 1×1 convolution reads one pixel through all channels, like a small fully connected layer at each place: "
        "it mixes channels and changes their number, and sees no neighbours.",
        f"{_LIN}, section 3.1; as a reduction before larger kernels: {_SZEGEDY}, section 4",
        _convolution,
    ),
    "conv in groups": Kind(
        "Channels are divided into groups, and filter o reads those of its own group R only, which divides "
        "weights and MACs by the number of groups. AlexNet's second, fourth and fifth convolution were split like "
        "this, over two GPUs.",
        f"{_KRIZHEVSKY}, sections 3.2 and 3.5",
        _convolution,
    ),
    "conv by table": Kind(
        "A convolution in which output map o reads only some of the input maps, R, as a table has it: fewer "
        "connections, and maps that have to differ as they see different inputs.",
        f"{_LECUN}, section II.B, table I",
        _convolution,
    ),
    "convtranspose": Kind(
        "The transpose of a convolution: each value that comes in spreads a weighted kernel over the output, which "
        "with a stride gets larger, not smaller. It doesn't undo a convolution.",
        "Dumoulin, Visin 2016: A Guide to Convolution Arithmetic for Deep Learning, chapter 4",
    ),
    "linear": Kind(
        "Each unit weighs every value of the vector that comes in: no neighbourhoods, and no weights that units "
        "share. At the end of a classifier, units are the scores of the classes.",
        "Rumelhart, Hinton, Williams 1986: Learning Representations by Back-Propagating Errors",
        lambda layer: r"y_o = \sum_i w_{o,i}\, x_i" + (" + b_o" if layer.hyper("bias") else ""),
    ),
    "maxpool": Kind(
        "Keeps the largest value of each window and forgets where in it that was: smaller maps, and some tolerance "
        "of small shifts. Nothing is learned.",
        _SCHERER,
        _maximum,
    ),
    "overlapping maxpool": Kind(
        "Keeps the largest value of each window and forgets where in it that was. Windows overlap, as the kernel is "
        "larger than the stride: in AlexNet that lowered top-1 and top-5 error by 0.4 and 0.3 points.",
        f"{_KRIZHEVSKY}, section 3.4",
        _maximum,
    ),
    "maxpool at stride 1": Kind(
        "Replaces each value by the largest one around it. At stride 1 nothing is skipped: with enough padding "
        "the maps keep their size, so that an Inception module can stack them with those of its convolutions.",
        f"{_SZEGEDY}, section 4",
        _maximum,
    ),
    "global maxpool": Kind("Keeps the largest value of each map, wherever it is: one number a channel."),
    "avgpool": Kind(
        "Replaces each window by its mean: smaller maps, coarser places. LeNet-5's subsampling of 1998 is this with a "
        "trainable factor and summand for each map.",
        f"{_LECUN}, section II.B",
        _mean,
    ),
    "global avgpool": Kind(
        "Replaces each map by its mean, one number a channel, with nothing to learn; it came in where stacks of fully "
        "connected layers had been.",
        f"{_LIN}, section 3.2",
        _global_mean,
    ),
    "subsample": Kind(
        "Adds up each window, times a trainable factor, plus a trainable bias, one pair a map: smaller maps, and less "
        "weight on exactly where a feature is.",
        f"{_LECUN}, section II.B",
        _subsampling,
    ),
    "batchnorm": Kind(
        "In training, normalises each channel by its mean and variance over the batch and all places; afterwards by "
        "running estimates of them, which are measured, not trained, and no parameters. Then a trained scale and "
        "shift. It makes training faster and steadier; why it does is disputed (Santurkar et al. 2018).",
        "Ioffe, Szegedy 2015: Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate "
        "Shift",
        _normalisation,
    ),
    "layernorm": Kind(
        "Normalises the values of one example by their own mean and variance, independently of the batch.",
        "Ba, Kiros, Hinton 2016: Layer Normalization",
    ),
    "groupnorm": Kind(
        "Normalises groups of an example's channels by their own mean and variance, independently of the batch.",
        "Wu, He 2018: Group Normalization",
    ),
    "instancenorm": Kind(
        "Normalises each channel of an example by its own mean and variance, independently of the batch.",
        "Ulyanov, Vedaldi, Lempitsky 2016: Instance Normalization: The Missing Ingredient for Fast Stylization",
    ),
    "lrn": Kind(
        "Divides each unit by what its neighbours across channels do at the same pixel, so that strong units damp "
        "those beside them; neighbouring pixels have no part in it. The paper multiplies the sum by alpha; PyTorch's "
        "own layer divides alpha by the number of channels in the window first.",
        f"{_KRIZHEVSKY}, section 3.3",
        _local_response,
    ),
    "relu": Kind(
        "Passes on what is positive and cuts off the rest. Its slope stays 1 however large a value is, so that units "
        "don't saturate there; a four-layer network reached 25 % training error on CIFAR-10 about six times sooner "
        "with it than with tanh.",
        f"Nair, Hinton 2010: Rectified Linear Units Improve Restricted Boltzmann Machines; {_KRIZHEVSKY}, section 3.1",
        r"y = \max(0,\ x)",
    ),
    "tanh": Kind(
        "Squashes each value to between −1 and 1. Far from 0 it saturates: its slope, and with it the "
        "gradient, goes to 0.",
        f"{_LECUN}, appendix A, has a scaled one",
        r"y = \tanh(x)",
    ),
    "scaled tanh": Kind(
        "Squashes each value, scaled so that 1 gives 1 and −1 gives −1: the targets of training lie where it bends "
        "most, and not where it is saturated.",
        f"{_LECUN}, equation 6 and appendix A",
        _scaled_tanh,
    ),
    "sigmoid": Kind(
        "Squashes each value to between 0 and 1, such as a probability, or a gate that is open or shut.",
        "Rumelhart, Hinton, Williams 1986: Learning Representations by Back-Propagating Errors",
        r"y = \frac{1}{1 + e^{-x}}",
    ),
    "dropout": Kind(
        "In training, sets outputs of units to 0 at random, and scales up those that are left; afterwards it does "
        "nothing. Units can't rely on particular others. It drops outputs; what drops single connections is "
        "DropConnect (Wan et al. 2013).",
        "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014: Dropout: A Simple Way to Prevent Neural "
        "Networks from Overfitting (there, weights are scaled down afterwards instead)",
        _masked,
    ),
    "softmax": Kind(
        "Turns scores into positive numbers that add up to 1, which are read as probabilities of the classes. "
        "It keeps their order.",
        "Bridle 1990: Probabilistic Interpretation of Feedforward Classification Network Outputs",
        r"y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
    ),
    "flatten": Kind(
        "Lays the maps out as one row of numbers, and computes nothing. A fully connected layer behind it has weights "
        "for each of them, which fixes the size of the picture, unless it was pooled to a fixed size before.",
    ),
    "add": Kind(
        "Adds its arms value by value, so their shapes have to agree. Around a shortcut, the convolutions only have to "
        "learn what is to be added to what came in; where that is nothing, weights of 0 do.",
        f"{_HE}, section 3",
    ),
    "add of one": Kind("Adds to each value."),
    "concat": Kind(
        "Puts the maps of its arms behind one another, each kept as it is; whatever follows can choose among them.",
        f"{_SZEGEDY}, section 4",
    ),
    "mul": Kind(
        "Multiplies its arms value by value. Where one of them is a gate, the network decides from the picture itself "
        "how much each channel or place counts.",
        "Hu, Shen, Sun 2018: Squeeze-and-Excitation Networks",
    ),
    "mul of one": Kind("Multiplies each value."),
    "slice": Kind("Takes a part of what comes in and leaves out the rest; nothing is computed."),
    "pad": Kind("Puts values, most often zeros, around what comes in, or channels of them before or behind it."),
    "rbf": Kind(
        "Compares what comes in with a fixed pattern for each class: the squared distance to it, of which the smallest "
        "wins. In LeNet-5 the patterns are small drawings of the digits, and no parameters.",
        f"{_LECUN}, equation 7 and figure 3",
        r"y_i = \sum_j (x_j - w_{i,j})^2",
    ),
}
