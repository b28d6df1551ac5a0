"""Describing a network: its graph with roles, shapes, parameters, MACs and receptive fields, beside other tools.

All that a row compares is run in turn in one process, on one torch thread; times are the process's own, user and
system together, without collections of garbage, as `timeit` has it.

- *Describing* is `trace` of a module that is built already. Peers are given the same network, built already as well,
  on the device where they are fastest: `torchinfo.summary` and `torchview.draw_graph` on meta, where no weights are and
  nothing is computed, as ours; fvcore's operators by module with its parameters on the CPU, as it can't follow meta;
  `torchlens.trace` on the CPU in a process of its own, as it wraps torch's functions for good.
- *Another input size* is what the catalogue gives for a size that it was never asked for, beside each peer's whole
  description at such a size. *A second look* asks it for one that it knows.
- Of all networks of the catalogue, the row is of the one whose median ratio is highest.
- *A layer of a chain* is the time of a whole chain of residual blocks, by its number of layers.
- *Building on meta* is ours beside the same constructors within `torch.device("meta")`; *initialised twice* adds what
  torchvision's constructors do after PyTorch's own: every convolution and norm filled once more.
"""

import warnings
from collections.abc import Callable, Sequence
from importlib import metadata
from itertools import count

import torch
from torch import nn

from cnnviz.bench import Goal, Row, Sample
from cnnviz.bench.timing import Runs, in_turn, quiet
from cnnviz.bench.torchlens_peer import Traced, torchlens
from cnnviz.catalogue import Options, describe
from cnnviz.errors import BadOption
from cnnviz.graph import Shape
from cnnviz.networks import build, card, cards, construct
from cnnviz.networks.meta import OnMeta
from cnnviz.networks.resnet import BasicBlock, stage
from cnnviz.trace import trace

LARGE = "resnet152"
SHORT_CHAIN, LONG_CHAIN = 32, 256  # blocks
LARGEST = 32  # times the usual size, along both sides
EVERY_LEVEL = 99  # of nested modules; torchview closes those beyond the third otherwise
PEERS = ("torchinfo", "torchview", "fvcore", "torchlens")
Traces = Callable[[str], Traced]
_CALLED = {"fvcore": "fvcore's operators"} | {
    "torchinfo": "torchinfo.summary",
    "torchview": "torchview.draw_graph",
    "torchlens": "torchlens.trace",
}
_MEANT = frozenset({"torchinfo", "torchview", "torchlens"})  # those that goals are about


def measure(repetitions: int) -> list[Row]:
    """All rows of this part.

    Args:
        repetitions: runs that each median is of; a quarter of them where all networks are described.
    """
    check_peers()
    with quiet(), warnings.catch_warnings(), torchlens() as traced:
        warnings.simplefilter("ignore")
        return [
            *_large(repetitions, traced),
            *_all(max(1, repetitions // 4), list(cards()), traced),
            *_scaling(repetitions),
            *_building(repetitions),
        ]


def check_peers() -> None:
    """Whether they are installed.

    Raises:
        BadOption: one of them isn't.
    """
    try:
        for name in PEERS:
            metadata.version(name)  # importing them here would be measured with all that follows
    except metadata.PackageNotFoundError as error:
        raise BadOption(
            f"The peers of descriptions are {', '.join(PEERS)}, and {error.args[0]} isn't installed: "
            "'pip install -r requirements-dev.txt'."
        ) from error


# --- peers -----------------------------------------------------------------------


def by_torchinfo(module: nn.Module, shape: Shape) -> tuple[int, int]:
    """Parameters and MACs that torchinfo gives for a module on meta."""
    import torchinfo  # noqa: PLC0415

    described = torchinfo.summary(module, input_size=(1, *shape), device=torch.device("meta"), verbose=0)
    return described.total_params, described.total_mult_adds


def by_torchview(module: nn.Module, shape: Shape) -> int:
    """Edges of the graph that torchview makes of a module on meta; it counts nothing."""
    import torchview  # noqa: PLC0415  a development dependency

    return len(torchview.draw_graph(module, input_size=(1, *shape), device="meta", depth=EVERY_LEVEL).edge_list)


def by_fvcore(module: nn.Module, shape: Shape) -> tuple[int, dict[str, int]]:
    """Parameters, and operations by kind, that fvcore gives for a module on the CPU."""
    from fvcore.nn import FlopCountAnalysis, parameter_count  # noqa: PLC0415

    analysis = FlopCountAnalysis(module, torch.zeros(1, *shape))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.by_module()
    return parameter_count(module)[""], dict(analysis.by_operator())


# --- rows ------------------------------------------------------------------------


def _large(repetitions: int, traced: Traces) -> list[Row]:
    sizes = count(card(LARGE).input_shape[-1] + 1)
    found = _described(LARGE, repetitions, traced, {"new": lambda: describe(Options(LARGE, size=(next(sizes),) * 2))})
    again = in_turn({"again": lambda: describe(Options(LARGE))}, repetitions)["again"]
    return [
        *(_beside(f"describing {LARGE}", found["ours"], found[peer], peer, 1 / 8) for peer in PEERS),
        *(_beside(f"{LARGE} at another input size", found["new"], found[peer], peer, 1 / 25) for peer in PEERS),
        Row(f"a second look at {LARGE}", "ms", again, goal=Goal(1)),
    ]


def _all(repetitions: int, networks: Sequence[str], traced: Traces) -> list[Row]:
    measured = {network: _described(network, repetitions, traced) for network in networks}
    rows = []
    for peer in PEERS:
        worst = max(networks, key=lambda name: measured[name]["ours"].median / measured[name][peer].median)
        what = f"describing, highest of {len(networks)}: {worst}"
        rows.append(_beside(what, measured[worst]["ours"], measured[worst][peer], peer))
    return rows


def _beside(what: str, ours: Sample, theirs: Sample, peer: str, at_most: float | None = None) -> Row:
    goal = Goal(at_most, "ratio") if at_most and peer in _MEANT else None
    return Row(what, "ms", ours, theirs, _CALLED[peer], goal)


def _described(network: str, repetitions: int, traced: Traces, more: Runs | None = None) -> dict[str, Sample]:
    """Every tool's time for a network at its own size, and that of `more` in the same turns."""
    shape = card(network).input_shape
    ours, torchinfos, torchviews = (construct(network) for _ in range(3))
    on_cpu = build(network, weights="random")
    graph = describe(Options(network))
    params = graph.totals.params + sum(number for _, number in graph.unused)
    counted = {
        "torchinfo": by_torchinfo(torchinfos, shape)[0],
        "fvcore": by_fvcore(on_cpu, shape)[0],
        "torchlens": traced(network).params,
    }
    for peer, theirs in counted.items():
        if theirs != params:
            raise AssertionError(f"{peer} counts {theirs:,} parameters in {network}, and we {params:,}")
    runs = {
        "ours": lambda: trace(ours, shape),
        "torchinfo": lambda: by_torchinfo(torchinfos, shape),
        "torchview": lambda: by_torchview(torchviews, shape),
        "fvcore": lambda: by_fvcore(on_cpu, shape),
    }
    elsewhere = {"torchlens": lambda: traced(network).took}
    return in_turn({**runs, **(more or {})}, repetitions, warm=1, elsewhere=elsewhere)


def _scaling(repetitions: int) -> list[Row]:
    with OnMeta():
        short, long = (
            stage(BasicBlock, 64, 64, blocks=blocks, stride=1, shortcut="B").eval()
            for blocks in (SHORT_CHAIN, LONG_CHAIN)
        )
    ours = construct(LARGE)
    channels, *sides = card(LARGE).input_shape
    small, large = (channels, *sides), (channels, *(LARGEST * side for side in sides))
    runs = {
        "short": lambda: trace(short, (64, 56, 56)),
        "long": lambda: trace(long, (64, 56, 56)),
        "small": lambda: trace(ours, small),
        "large": lambda: trace(ours, large),
    }
    found = in_turn(runs, repetitions)
    layers = {"short": len(trace(short, (64, 56, 56)).layers), "long": len(trace(long, (64, 56, 56)).layers)}
    one = {name: _divided(found[name], number) for name, number in layers.items()}
    return [
        Row(
            f"a layer of a chain of {layers['long']:,}",
            "ms",
            one["long"],
            one["short"],
            f"one of a chain of {layers['short']:,}",
            Goal(1.2, "ratio"),
        ),
        Row(
            f"{LARGE} at {large[1]:,} x {large[2]:,}",
            "ms",
            found["large"],
            found["small"],
            f"at {small[1]} x {small[2]}",
            Goal(1.1, "ratio"),
        ),
    ]


def _divided(sample: Sample, by: int) -> Sample:
    return Sample(sample.median / by, sample.low / by, sample.high / by, sample.count)


def _building(repetitions: int) -> list[Row]:
    constructor = card(LARGE).build

    def alone() -> nn.Module:
        with torch.device("meta"):
            return constructor()

    def ours() -> nn.Module:
        with OnMeta():
            return constructor()

    def alone_twice() -> None:
        with torch.device("meta"):
            _filled_again(constructor())

    def ours_twice() -> None:
        with OnMeta():
            _filled_again(constructor())

    runs = {"ours": ours, "alone": alone, "ours twice": ours_twice, "alone twice": alone_twice}
    found = in_turn(runs, repetitions)
    goal, device = Goal(1 / 3, "ratio"), 'torch.device("meta") alone'
    return [
        Row(f"building {LARGE} on meta", "ms", found["ours"], found["alone"], device, goal),
        Row(f"building {LARGE}, initialised twice", "ms", found["ours twice"], found["alone twice"], device, goal),
    ]


def _filled_again(module: nn.Module) -> None:
    """What the constructors of torchvision's residual networks do after those of their layers."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(child, nn.BatchNorm2d):
            nn.init.constant_(child.weight, 1)
            nn.init.constant_(child.bias, 0)
