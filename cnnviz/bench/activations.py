"""Feature maps: what capturing, quantising and drawing them costs beside the forward pass and beside other tools.

All that a row compares is run in turn in one process, on one torch thread of the CPU, and again on a GPU where there is
one; peers are given the same module and input. On the CPU, times are the process's own, user and system together, which
another job on the machine moves less; on a GPU they are the clock's.

- A *forward pass* is the module called without gradients. Where networks are compared, the row is of the one whose
  median ratio is highest; it is measured once more, four times as often, as the highest of many medians is the
  unluckiest one as well. A pass shorter than 20 ms is repeated within a measurement.
- *torchlens* runs in a process of its own, as it wraps torch's functions for good; its first trace isn't counted.
- *Every convolution*, *every operation*, *conv1 alone*: `capture` of a module that was captured before, as each picture
  after the first finds it; its output must equal the pass's to the bit. *The first capture* has to follow the module's
  forward as well.
- *Quantising* goes from the captured tensor to the bytes that the page draws, one scale for a layer. The peer makes its
  bytes of the same grid, a PNG, by one Matplotlib imshow on an Agg canvas of 900 x 900.
- *Picture to PNG* begins with a photograph's bytes: reading, resizing, the pass up to conv1, its 64 maps as one sheet.
  The peer reads the same way, runs the module with a hook on conv1, and draws one Matplotlib axis a channel.
- *A click on another layer* asks an engine that has seen the picture for each layer in turn.
- *Held* is what an engine keeps of one picture after visitors have looked at every layer, from many threads, and
  the most that one with room for three such pictures keeps while twelve are looked at.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cnnviz.activations.capture import capture
from cnnviz.activations.on_device import quantise_there
from cnnviz.activations.pictures import Maps, grid_png, quantise
from cnnviz.bench import Goal, Row, Sample
from cnnviz.bench.timing import Runs, in_turn, quiet, timed
from cnnviz.bench.torchlens_peer import torchlens
from cnnviz.catalogue import Options, describe
from cnnviz.engine.local import Engine, Picture
from cnnviz.engine.passes import Passes
from cnnviz.errors import BadOption
from cnnviz.images import load_image, photographs, to_input
from cnnviz.networks import build, card, cards

LARGE, SMALL = "resnet152", "resnet18"
VISITORS = 300


def measure(repetitions: int) -> list[Row]:
    """All rows of this part.

    Args:
        repetitions: runs that each median is of; a tenth of them where a peer takes seconds.
    """
    _check_peers()
    with quiet():
        rows = [
            *_captures(repetitions, torch.device("cpu"), list(cards())),
            *_large(repetitions),
            *_pictures(repetitions),
            *_engine(repetitions),
            _torchlens(repetitions),
        ]
        if torch.cuda.is_available():
            rows += _gpu(repetitions)
    return rows


# --- capturing -----------------------------------------------------------------


def _captures(repetitions: int, place: torch.device, networks: Sequence[str]) -> list[Row]:
    """Convolutions and operations of each network beside its pass: the rows of those that are slowest by comparison."""
    measured = {network: _capture(network, repetitions, place) for network in networks}
    where = f" on {torch.cuda.get_device_name(place)}" if place.type == "cuda" else ""
    rows = []
    for what, at_most in (("every convolution", 1.05), ("every operation", 1.2)):
        worst = max(measured, key=lambda network: measured[network][what].median / measured[network]["pass"].median)
        among = f", highest of {len(networks)}: {worst}" if len(networks) > 1 else f" of {worst}"
        again = _capture(worst, 4 * repetitions, place)
        rows.append(
            Row(f"{what}{among}{where}", "ms", again[what], again["pass"], "its forward pass", Goal(at_most, "ratio"))
        )
    return rows


def _capture(network: str, repetitions: int, place: torch.device) -> dict[str, Sample]:
    module, x = ready(network, place)
    convolutions = [layer.path for layer in describe(Options(network)).layers if layer.op == "conv"]
    with torch.no_grad():
        plain = module(x)
    if isinstance(plain, Tensor) and not torch.equal(capture(module, x)["output"], plain):
        raise AssertionError(f"{network}: a capture isn't to the bit what the pass gives")
    runs: Runs = {
        "pass": lambda: _plain(module, x),
        "every convolution": lambda: capture(module, x, convolutions),
        "every operation": lambda: capture(module, x),
    }
    return in_turn(runs, repetitions, place)


def _large(repetitions: int) -> list[Row]:
    module, x = ready(LARGE)
    graph = describe(Options(LARGE))
    convolutions = [layer.path for layer in graph.layers if layer.op == "conv"]
    maps = [tensor[0].numpy() for tensor in capture(module, x, convolutions).values()]

    def first() -> float:
        new = build(LARGE, device="meta")  # never captured before; its parameters are those of the other
        new.load_state_dict(module.state_dict(), assign=True)
        return timed(lambda: capture(new, x, convolutions[:1]))

    runs: Runs = {
        "pass": lambda: _plain(module, x),
        "convolutions": lambda: capture(module, x, convolutions),
        "operations": lambda: capture(module, x),
        "conv1": lambda: capture(module, x, ["conv1"]),
        "quantised": lambda: [quantise(map_) for map_ in maps],
    }
    found = in_turn(runs, repetitions)
    firsts = Sample.of([first() for _ in range(max(1, repetitions // 4))])
    plain, against = found["pass"], "its forward pass"
    return [
        Row(f"every convolution of {LARGE}", "ms", found["convolutions"], plain, against, Goal(1.05, "ratio")),
        Row(f"every operation of {LARGE}", "ms", found["operations"], plain, against, Goal(1.2, "ratio")),
        Row(f"conv1 of {LARGE} alone", "ms", found["conv1"], plain, against, Goal(0.08, "ratio")),
        Row(f"conv1 of {LARGE}, the first capture", "ms", firsts, plain, against),
        Row(f"quantising its {len(maps)} convolutions", "ms", found["quantised"], plain, against, Goal(0.2, "ratio")),
    ]


def _torchlens(repetitions: int) -> Row:
    """Every operation, here and by a peer in a process of its own."""
    module, x = ready(LARGE)
    with torchlens() as traced:
        found = in_turn(
            {"ours": lambda: capture(module, x)},
            max(1, repetitions // 4),
            elsewhere={"torchlens": lambda: traced(LARGE).took},
        )
    what = f"every operation of {LARGE}"
    return Row(what, "ms", found["ours"], found["torchlens"], "torchlens.trace", Goal(1 / 8, "ratio"))


# --- drawing ---------------------------------------------------------------------


def _pictures(repetitions: int) -> list[Row]:
    maps = np.random.default_rng(0).standard_normal((64, 112, 112)).astype(np.float32)
    grid = maps.reshape(8, 8, 112, 112).swapaxes(1, 2).reshape(8 * 112, 8 * 112)
    runs: Runs = {"ours": lambda: quantise(maps), "imshow": lambda: _imshow(grid)}
    quantised = in_turn(runs, repetitions)
    module, _ = ready(SMALL)
    data = next(iter(photographs().values())).read_bytes()
    runs = {"ours": lambda: _png(module, data), "hooks": lambda: _png_by_hooks(module, data)}
    drawn = in_turn(runs, max(1, repetitions // 2), warm=1)
    one, all_ = "Matplotlib's imshow of the grid", "a hook and Matplotlib's subplots"
    return [
        Row("quantising 64 x 112 x 112", "ms", quantised["ours"], quantised["imshow"], one, Goal(0.01, "ratio")),
        Row(f"picture to conv1's PNG, {SMALL}", "ms", drawn["ours"], drawn["hooks"], all_, Goal(1 / 40, "ratio")),
    ]


def _imshow(grid: "np.ndarray[Any, Any]") -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  a development dependency
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 9))
    canvas = FigureCanvasAgg(figure)
    figure.add_subplot().imshow(grid)
    written = io.BytesIO()
    canvas.print_png(written)  # type: ignore[no-untyped-call]
    return written.getvalue()


def _input(data: bytes) -> Tensor:
    return torch.from_numpy(to_input(load_image(data), card(SMALL)))


def _png(module: nn.Module, data: bytes) -> bytes:
    return grid_png(capture(module, _input(data), ["conv1"])["conv1"][0].numpy())


def _png_by_hooks(module: nn.Module, data: bytes) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    kept: list[Tensor] = []
    hook = module.get_submodule("conv1").register_forward_hook(lambda _m, _i, out: kept.append(out.detach().clone()))
    _plain(module, _input(data))
    hook.remove()
    figure = Figure(figsize=(9, 9))
    canvas = FigureCanvasAgg(figure)
    for channel, (axis, map_) in enumerate(zip(figure.subplots(8, 8).flat, kept[0][0].numpy(), strict=False)):
        axis.imshow(map_)
        axis.set_title(str(channel), fontsize=6)
        axis.axis("off")
    written = io.BytesIO()
    canvas.print_png(written)  # type: ignore[no-untyped-call]
    return written.getvalue()


# --- the engine --------------------------------------------------------------------


class _Counted(Passes):
    """Passes that are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0

    def run(self, *arguments: Any, **how: Any) -> dict[str, Tensor]:
        self.begun += 1
        return super().run(*arguments, **how)


def _engine(repetitions: int) -> list[Row]:
    options = Options(SMALL)
    paths = [layer.path for layer in describe(options).layers]
    image = load_image(next(iter(photographs().values())).read_bytes())
    module, x = ready(SMALL)

    passes = _Counted()
    engine = Engine(passes=passes)
    _look(engine, options, Picture(image, "picture"), paths[-1])
    once, took, plain = passes.begun, [], []
    for turn in range(repetitions):
        path = paths[turn % len(paths)]
        took.append(timed(lambda path=path: _look(engine, options, Picture(image, "picture"), path)))  # type: ignore[misc]
        plain.append(timed(lambda: _plain(module, x)))
    clicks = Sample.of([float(passes.begun - once)])

    one, many = Engine(), Engine()
    for path in paths:
        _look(one, options, Picture(image, "picture"), path)
    with ThreadPoolExecutor(32) as threads:
        list(
            threads.map(
                lambda visitor: [_look(many, options, Picture(image, "picture"), path) for path in paths],
                range(VISITORS),
            )
        )
    room = 3 * one.held
    small, most = Engine(map_bytes=room), 0
    for number in range(12):
        _look(small, options, Picture(image.rotate(number), str(number)), paths[-1])
        most = max(most, small.held)
    megabytes = [Sample.of([held / 1e6]) for held in (many.held, one.held, most, room)]
    return [
        Row(f"a click on another layer of {SMALL}", "ms", Sample.of(took), Sample.of(plain), "a forward pass"),
        Row(f"run at {repetitions} clicks on other layers", "passes", clicks, goal=Goal(0)),
        Row(
            f"held of one picture for {VISITORS} visitors",
            "MB",
            megabytes[0],
            megabytes[1],
            "one visitor",
            Goal(1, "ratio"),
        ),
        Row("most held of 12 pictures", "MB", megabytes[2], megabytes[3], "the budget", Goal(1, "ratio")),
    ]


def _look(engine: Engine, options: Options, picture: Picture, path: str) -> Maps | None:
    result = engine.maps(options, picture, path, device="cpu")
    return result.drawn("layer") if result.maps.ndim == 3 else None


# --- a GPU ---------------------------------------------------------------------------


def _gpu(repetitions: int) -> list[Row]:
    place = torch.device("cuda")
    name = torch.cuda.get_device_name(place)
    module, x = ready(LARGE, place)
    convolutions = [layer.path for layer in describe(Options(LARGE)).layers if layer.op == "conv"]
    maps = [tensor[0] for tensor in capture(module, x, convolutions).values()]
    runs: Runs = {"pass": lambda: _plain(module, x), "quantised": lambda: [quantise_there(map_) for map_ in maps]}
    found = in_turn(runs, repetitions, place)
    what = f"quantising {LARGE}'s {len(maps)} convolutions on {name}, one transfer each"
    return [
        *_captures(repetitions, place, [SMALL]),
        *_captures(repetitions, place, [LARGE]),
        Row(what, "ms", found["quantised"], found["pass"], "its forward pass"),
    ]


# --- measuring -------------------------------------------------------------------------


def ready(network: str, place: torch.device | str = "cpu") -> tuple[nn.Module, Tensor]:
    """A network with random weights, and a picture of noise as it receives one."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8))
    module = build(network, weights="random", device=place)
    return module, torch.from_numpy(to_input(image, card(network))).to(place)


def _plain(module: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        module(x)


def _check_peers() -> None:
    try:
        for name in ("matplotlib", "torchlens"):
            metadata.version(name)  # importing them here would be measured with all that follows
    except metadata.PackageNotFoundError as error:
        raise BadOption(
            f"The peers of feature maps are Matplotlib and torchlens, and {error.args[0]} isn't installed: "
            "'pip install -r requirements-dev.txt'."
        ) from error
