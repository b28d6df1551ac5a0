"""`cnnviz …`: one command a view, one module of this package a command.

A command's module is imported when it is typed: `cnnviz --help` and `cnnviz replicate 5` wait for no torch.
"""

import argparse
import ctypes
import io
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from cnnviz.bench import PARTS
from cnnviz.errors import BadOption, CnnvizError

WRONG, INTERRUPTED, NOBODY_READS = 2, 130, 141  # exit codes; the last two as shells have them for signals

# Read when torch is imported: threads that don't spin against those of other jobs, kept maps in large pages.
FOR_TORCH = {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}


# glibc's mallopt: the memory of freed maps, as much as the engine keeps of them, waits for those of the next picture;
# and pages share it, where each of the many threads that draw them would leave a part of its own behind.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC = {_M_TRIM_THRESHOLD: 400 << 20, _M_MMAP_THRESHOLD: 32 << 20, _M_ARENA_MAX: 2}


def for_torch() -> None:
    """Set what torch reads when it is imported, unless the user has, and how memory is kept between passes."""
    for name, value in FOR_TORCH.items():
        os.environ.setdefault(name, value)
    if platform.libc_ver()[0] == "glibc" and not any(name.startswith("MALLOC_") for name in os.environ):
        mallopt = ctypes.CDLL(None).mallopt
        for option, setting in _MALLOC.items():
            mallopt(option, setting)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what the user can mend is one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without '×' gets '?'
            stream.reconfigure(errors="replace")
    for_torch()
    try:
        arguments = parsed(sys.argv[1:] if argv is None else argv)
        status: int | None = import_module(f"cnnviz.cli.{arguments.module}").run(arguments)
        sys.stdout.flush()
        return status or 0
    except CnnvizError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return WRONG
    except BrokenPipeError:
        # `cnnviz table resnet152 | head`; what is still in the buffer must not raise again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """What a command line says; `words` keeps it as it was typed.

    Raises:
        BadOption: it isn't written as `--help` has it.
    """
    return _parser().parse_args(words, argparse.Namespace(words=list(words)))


class _Parser(argparse.ArgumentParser):
    """Answers a usage error in one line."""

    def error(self, message: str) -> NoReturn:
        raise BadOption(f"{self.prog}: {message}; '{self.prog} --help' shows how it is used.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cnnviz",
        allow_abbrev=False,
        description="The classic convolutional networks: layer graphs, exact numbers, feature maps.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        added.set_defaults(module=name.replace("-", "_"))
        return added

    networks = command("networks", "list the networks, with their parameters and MACs")
    _json(networks)

    table = command("table", "one row a layer: shapes, parameters, MACs, memory, receptive field")
    _network(table)
    table.add_argument(
        "--format",
        choices=("text", "json", "csv", "markdown", "latex", "torchinfo"),
        help="by default what FILE's extension says, else text",
    )
    _json(table, dest="format")
    _output(table)

    graph = command("graph", "the layer graph as a picture, DOT, Mermaid or JSON")
    _network(graph)
    graph.add_argument(
        "--format",
        choices=("dot", "svg", "png", "pdf", "json", "mermaid"),
        help="by default what FILE's extension says, else dot",
    )
    _json(graph, dest="format")
    how = graph.add_mutually_exclusive_group()
    for name, value, text in (
        ("--full", "all", "draw all of equal blocks in a row, not one for all"),
        ("--outline", "outline", "draw each block as one node, for a network that is too large otherwise"),
    ):
        how.add_argument(name, dest="unfolded", action="store_const", const=value, help=text)
    _output(graph)

    field = command("receptive-field", "the window of the input that a unit of a layer sees")
    _network(field)
    field.add_argument("layer", metavar="LAYER", help="its path, as 'cnnviz table' has it")
    _json(field)

    replicate = command("replicate", "a K x K convolution beside the stack of 3 x 3 ones that sees the same")
    replicate.add_argument("kernel", metavar="K", type=int, help="odd: 5, 7, 11")
    replicate.add_argument("--in", dest="channels_in", metavar="C", type=int, default=1, help="channels before")
    replicate.add_argument("--mid", metavar="M", type=int, help="channels inside the stack, by default those after")
    replicate.add_argument("--out", dest="channels_out", metavar="C", type=int, default=1, help="channels after")
    replicate.add_argument("--map", metavar="H,W", default="1,1", help="size of the map that both run over")
    replicate.add_argument("--bias", action="store_true", help="count biases as well")
    replicate.add_argument("--dilation", metavar="D", type=int, default=1, help="of every layer")
    replicate.add_argument("--stride", metavar="S", type=int, default=1, help="of the K x K layer")
    replicate.add_argument(
        "--stride-in",
        dest="strided",
        choices=("last", "first", "each"),
        default="last",
        help="which layers of the stack have the stride",
    )
    _json(replicate)

    _table_commands(command)
    _picture_commands(command)
    _long_commands(command)
    return parser


def _table_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    compare = command("compare", "networks beside each other: accuracy, cost, memory, depth, receptive field")
    compare.add_argument("networks", metavar="NET", nargs="*", help="as for 'cnnviz table'; by default all")
    _changes(compare)
    compare.add_argument("--time", action="store_true", help="measure how long one picture takes here as well")
    _device(compare)
    compare.add_argument(
        "--format",
        choices=("text", "json", "csv", "markdown", "latex"),
        help="by default what FILE's extension says, else text",
    )
    _json(compare, dest="format")
    _output(compare)

    printed = command("printed", "a printed table, every cell beside the computed one, with the reason if they differ")
    printed.add_argument("network", metavar="NET", help="lenet5, alexnet, vgg16, vgg19, googlenet or resnet18")
    _json(printed)


def _picture_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    activations = command("activations", "what layers give for a picture, as one picture or as numbers")
    _network(activations)
    _picture(activations)
    activations.add_argument(
        "--layer",
        metavar="PATH",
        dest="layers",
        action="append",
        required=True,
        help="as 'cnnviz table' has it; several times for several layers in one .npz",
    )
    _device(activations)
    _weights(activations)
    activations.add_argument("--size", metavar="N", help="side of the input, or its H,W")
    _json(activations)
    _output(activations, required=True, what="maps.png or maps.npz")

    predict = command("predict", "what a network takes a picture for, and with which weights")
    _network(predict)
    _picture(predict, nargs="?")
    predict.add_argument(
        "--held-out", metavar="DIR", help="of a data set: all pictures that weights never learned from"
    )
    predict.add_argument("--top", type=int, default=10, metavar="K", help="how many classes, by default 10")
    _device(predict)
    _weights(predict)
    _json(predict)
    predict.add_argument("-o", "--output", metavar="sheet.png", help="all held-out pictures with their answers")


def _long_commands(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    weights = command("weights", "which weights there are, and fetching the published ones")
    actions = weights.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    listed = actions.add_parser("list", help="every network's weights: bundled, published, random", allow_abbrev=False)
    _json(listed)
    fetch = actions.add_parser("fetch", help="get published ImageNet weights, once and for all", allow_abbrev=False)
    fetch.add_argument("networks", metavar="NET", nargs="*", help="a key of 'cnnviz networks'")
    fetch.add_argument("--all", action="store_true", help="those of every network that has some")
    fetch.add_argument(
        "--url", metavar="URL", help="of a folder with the same files, by default $CNNVIZ_WEIGHTS_URL, else PyTorch's"
    )
    _json(fetch)

    train = command("train", "make a set of weights by its recipe; called again, it goes on where it was stopped")
    train.add_argument(
        "recipe",
        metavar="RECIPE",
        help="lenet5-mnist, NET-cifar10, NET-cifar10-without-bn, alexnet-cifar10 or "
        "alexnet-cifar10-without-lrn, -dropout, -overlap, -augmentation",
    )
    train.add_argument("--data", metavar="DIR", help="holds the data set, or gets it; by default in the user's cache")
    train.add_argument("--seed", type=int, default=0, metavar="N", help="by default 0")
    train.add_argument("--epochs", type=int, metavar="N", help="stop after the Nth of the recipe's epochs")
    train.add_argument("-o", "--output", metavar="FOLDER", help="for weights, log, checkpoint; by default runs/RECIPE")
    _device(train)
    _json(train)

    bench = command("bench", "how fast this is here, beside a peer and against its goals")
    bench.add_argument(
        "part", metavar="PART", nargs="?", choices=("all", *PARTS), default="all", help=f"{', '.join(PARTS)}, or all"
    )
    bench.add_argument("--repetitions", type=int, default=20, metavar="N", help="of each measurement, by default 20")
    _json(bench)
    bench.add_argument("-o", "--output", metavar="FOLDER", help="for bench.json and bench.md, the same as a table")

    app = command("app", "start the app, and say where the room's phones reach it")
    app.add_argument(
        "networks",
        metavar="NET",
        nargs="*",
        help="package.module:callable puts a network of your own before all others; where a key of 'cnnviz networks' "
        "is named as well, just those named are offered; the first one is selected",
    )
    _changes(app)
    app.add_argument("--folder", metavar="DIR", default=".", help="where a network of your own lies, by default here")
    app.add_argument("--port", type=int, default=8501, metavar="P")


def _network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a key of 'cnnviz networks', or package.module:callable")
    _changes(parser)


def _changes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", metavar="C,H,W", help="channels, height and width of the input")
    parser.add_argument("--classes", metavar="N", type=int, help="number of classes")
    parser.add_argument("--shortcut", metavar="A|B|C", help="shortcut option of a residual network")
    parser.add_argument("--heads", action=argparse.BooleanOptionalAction, help="auxiliary heads, where there are some")
    parser.add_argument("--batch-norm", action=argparse.BooleanOptionalAction, help="of a residual or plain network")


def _picture(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "picture", metavar="PICTURE", nargs=nargs, help="a JPEG, PNG, WEBP, GIF, BMP, TIFF or AVIF file"
    )
    parser.add_argument(
        "--fit",
        choices=("crop", "squeeze"),
        default="crop",
        help="keep the picture's middle (as published), or squeeze all of it in",
    )
    parser.add_argument(
        "--zoom", type=float, default=1.0, metavar="X", help="what it shows X times as large, from 0.25 to 2"
    )


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="auto (CUDA, MPS, CPU), cuda, mps or cpu")


def _weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", default="auto", metavar="W", help="auto, random, bundled, imagenet, or a file")


def _json(parser: argparse.ArgumentParser, dest: str = "json") -> None:
    if dest == "json":
        parser.add_argument("--json", action="store_true", help="as JSON")
    else:
        parser.add_argument("--json", dest=dest, action="store_const", const="json", help=f"as --{dest} json")


def _output(parser: argparse.ArgumentParser, *, required: bool = False, what: str = "where to") -> None:
    text = what if required else f"{what}, by default the terminal"
    parser.add_argument("-o", "--output", metavar="FILE", required=required, help=text)
