"""AlexNet's ideas, one function each: a sentence and a question, the knobs, and what they do."""

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.answer import answer, charts
from app.components.knobs import Choice, Number, Switch
from app.panels import picture
from app.panels.knobs import Answer, Grid, Lesson
from app.panels.waiting import waiting
from cnnviz.activations.pictures import quantise
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.engine.results import Outcome
from cnnviz.images import as_received, to_input
from cnnviz.lessons import alexnet
from cnnviz.lessons.pictures import as_input
from cnnviz.networks import card, cards
from cnnviz.prediction import CIFAR10_NAMES
from cnnviz.training.ideas import IDEAS as IDEA_NAMES
from cnnviz.views import figures, lessons_alexnet, pieces

SMALL = ("alexnet-cifar", "relu4")  # trained ones, the best first
LARGE = ("alexnet", "alexnet-owt")
ALPHAS = ("0", "0.00001", "0.0001", "0.001", "0.01", "0.1", "1")
NUMBERS_OF_MASKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
TICK = 0.6  # seconds between two masks
PLAIN = {"displayModeBar": False}
FirstMaps = tuple[str, alexnet.Floats]  # a layer's path, and what it gives
About = tuple[Hashable, Any]  # what tells what an answer is about from all else, and that


def relu() -> None:
    """ReLU against tanh: slopes on the picture, gradients through depth, training curves."""
    st.markdown(
        "tanh flattens out where its input is large, ReLU only below zero. **How much of a gradient do both let "
        "through, and does that make training six times faster?**"
    )
    nets = {name: Options(key) for name, key in alexnet.FOUR_LAYERS.items()}
    first = nets["ReLU"]
    seen = _picture(first)
    found = {
        name: _computed(
            ("slopes", seen.digest),
            lambda module, device, _, options=options: alexnet.slopes(module, as_input(seen.image, options, device)),
            options,
        )
        for name, options in nets.items()
    }

    @st.fragment
    def charts() -> None:
        slopes, depth, curves = st.columns(3, gap="medium")
        with slopes:
            st.markdown("**Slopes of the units for this picture**")
            _chart(lessons_alexnet.let_through({name: one.value for name, one in found.items()}), "slopes")
            st.caption(
                "Mean slope of all units of each layer, ReLU's the share that is above zero. "
                f"With {' and '.join(one.weights for one in found.values())}."
            )
        with depth:
            st.markdown("**The gradient through an untrained chain**")
            left, right = st.columns(2)
            layers = left.slider("Layers", 2, 40, 12, key="layers", bind=state.BOUND)
            gain = right.slider(
                "Gain", 0.5, 4.0, 1.4, 0.1, key="gain", bind=state.BOUND,
                help="Weights have this by the root of a unit's inputs as standard deviation; 1.4 is He et al.'s.",
            )  # fmt: skip
            norms = {name: _gradients(first, seen, layers, name, gain) for name in alexnet.NONLINEARITIES}
            figure = lessons_alexnet.gradient_through_depth(norms)
            figure.update_layout(height=225)
            _chart(figure, "gradient")
            st.caption(
                f"A backward pass through {layers} convolutions of 3 × 3 that see the picture. ReLU keeps its gradient "
                "at a gain of √2 (He et al. 2015), tanh at about 1.1: below, it fades, above, it explodes."
            )
        with curves:
            st.markdown("**Training error of both, on CIFAR-10**")
            logs = alexnet.curves()
            _chart(lessons_alexnet.error_curves(logs, alexnet.TARGET), "curves")
            epochs = {name: alexnet.epochs_to(log) for name, log in logs.items()}
            st.markdown(
                f"25 % are reached after **{epochs['ReLU']}** epochs with ReLU and **{epochs['tanh']}** with tanh: "
                "these curves do **not** show the paper's factor of six (figure 1)."
            )
            st.caption(
                "Bundled logs of our own training, the rate chosen for each as the paper has it, the rest ours: "
                "its layers and rates aren't published. Each epoch runs over 50,000 pictures."
            )

    charts()


def _gradients(options: Options, seen: Picture, layers: int, function: str, gain: float) -> list[float]:
    return list(
        _computed(
            ("gradients", seen.digest, layers, function, gain),
            lambda _, device, __: alexnet.gradients(as_input(seen.image, options, device), layers, function, gain),
            options,
        ).value
    )


def normalisation() -> None:
    """LRN: one pixel across channels, and the maps before and after."""
    st.markdown(
        "Local response normalisation divides a unit by its neighbours across channels at the same pixel, not beside "
        "it. **How large must activations be for it to matter?**"
    )
    seen, options = _picture_and_network([*SMALL, *LARGE])
    path, found = _first_maps(seen, options)
    _answered(LRN, (("maps", options, seen.digest), (path, found.value)))
    _behind(found)
    st.caption(
        "AlexNet read pixels of 0 to 255 less their mean (section 2); ours are normalised to about ±2, some 58 "
        "times smaller. With the same weights, squares are 58² times smaller: α = 0.34 would do what 0.0001 did."
    )


@st.fragment
def _answered(lesson: Lesson, about: About) -> None:
    with sentences():
        lesson.draw(about, beside=(2, 5))


def _damped(about: FirstMaps, n: int, k: float, alpha: str, beta: float) -> Answer:
    path, maps = about
    damped = alexnet.damped(maps, n, k, float(alpha), beta)
    return Answer(
        (
            charts([lessons_alexnet.across_channels(damped, n)], columns="1fr", areas=("channels",)),
            pieces.words(
                f"Every unit is divided by k^β = **{damped.lone:.3f}** at least. What neighbours add to that is "
                f"at most **{100 * (damped.most - 1):.2f}\u00a0%** here."
            ),
        ),
        [
            Grid(f"maps {name}", f"{path} {name}", quantise(values))
            for name, values in (("before", damped.before), ("after", damped.after))
        ],
    )


LRN = Lesson(
    "lrn",
    (
        Number("n", "n", 5, 1, 15, 2, "How many channels; AlexNet: 5."),
        Number("k", "k", 2.0, 0.5, 10.0, 0.5, "AlexNet: 2."),
        Choice(
            *("alpha", "α", "0.0001", ALPHAS),
            help="AlexNet: 0.0001. PyTorch's layer of that name divides it by n, the paper doesn't.",
            slider=True,
        ),
        Number("beta", "β", 0.75, 0.0, 1.5, 0.05, "AlexNet: 0.75."),
    ),
    _damped,
    about=True,
)


def pooling() -> None:
    """Overlapping windows beside windows that don't overlap."""
    st.markdown("AlexNet's pooling windows are 3 wide and 2 apart, so that they overlap. **What does that change?**")
    seen, options = _picture_and_network([*SMALL, *LARGE])
    path, found = _first_maps(seen, options)
    _answered(POOLING, (("maps", options, seen.digest), (path, found.value)))
    _behind(found)
    st.caption(
        "The paper's errors, top-1 and top-5, fell by 0.4 and 0.3 points by it (section 3.4). "
        f"{lessons_alexnet.points_of_overlap(alexnet.points_lost('overlap'))} AlexNet's 55 × 55 maps become "
        "27 × 27 either way."
    )


def _pooled(about: FirstMaps, window: int, apart: int) -> Answer:
    path, maps = about
    other = max(2, apart)
    pairs = ((window, apart), (other, other) if window != apart else (window + 1, apart))
    sizes = {f"{wide} × {wide}, {step} apart": (wide, step) for wide, step in pairs}
    pooled = {name: alexnet.pooled(maps, *size) for name, size in sizes.items()}
    moved = {name: alexnet.moved_by_one(maps, *size) for name, size in sizes.items()}
    visits = {name: alexnet.visits(13, *size) for name, size in sizes.items()}
    return Answer(
        (
            charts([lessons_alexnet.windows(visits, sizes)], columns="1fr", areas=("windows",)),
            pieces.words(
                "When the maps move by one pixel, the pooled ones change by "
                + ", ".join(f"**{100 * value:.0f}\u00a0%** ({name})" for name, value in moved.items())
                + " of their mean."
            ),
        ),
        [
            Grid(f"pooled {at}", f"{path}, pooled by {name}: {values.shape[1]} × {values.shape[2]}", quantise(values))
            for at, (name, values) in enumerate(pooled.items())
        ],
    )


POOLING = Lesson(
    "pooling",
    (
        Number("window", "Window", 3, 2, 6, help="AlexNet: 3."),
        Number("apart", "Stride", 2, 1, 4, help="AlexNet: 2."),
    ),
    _pooled,
    about=True,
)


def dropout() -> None:
    """Masks drawn live, their mean, and the scaling at test time."""
    st.markdown(
        "Dropout silences each unit with probability p while training; at test time all speak, each times 1 − p. "
        "**How many masks does it take until their mean is that one network?**"
    )
    options = cache.as_learned(_offered(SMALL)[0])
    seen = _picture(options)
    graph = cache.graph_of(options)
    last = [layer.path for layer in graph.layers if layer.op == "linear"][-1]
    before = graph.incoming(last)[0].source
    found = _computed(
        ("last layer", seen.digest),
        lambda module, device, _: alexnet.last_layer(module, as_input(seen.image, options, device), before, last),
        options,
    )
    about = (("last layer", options, seen.digest), found.value)
    running = st.session_state.get("drawing since") is not None

    @st.fragment(run_every=TICK if running else None)
    def drawn() -> None:
        knobs, button = st.columns([5, 1], vertical_alignment="bottom")
        with button:
            _draw_or_not(running)
        with sentences():
            with knobs:
                values = DROPOUT.turned(about, live=not running)
            since, most = st.session_state.get("drawing since"), values["masks"]
            shown = most if since is None else min(most, 1 + int((time.monotonic() - since) / TICK))
            if running:
                answer(*_dropped(found.value, **values, shown=shown))
            else:
                DROPOUT.show(values, found.value)

    drawn()
    st.markdown(lessons_alexnet.epochs_of_dropout(alexnet.epochs_of_dropout()))
    _behind(found, f"what {last} reads, {before}'s units; dropout drops units' outputs, DropConnect (2013) connections")


def _draw_or_not(running: bool) -> None:
    """A button that begins to draw mask by mask, or shows all of them at once."""
    words, icon = ("All at once", "skip_next") if running else ("Draw one by one", "play_arrow")
    if st.button(words, icon=f":material/{icon}:", width="stretch"):
        st.session_state["drawing since"] = None if running else time.monotonic()
        st.rerun()


def _dropped(layer: alexnet.LastLayer, p: float, masks: int, draw: int, shown: int = 0) -> Sequence[str]:
    """What comes of so many masks, of which the first ones are shown; all by default."""
    shown = shown or masks
    many = alexnet.dropped(layer, p, masks, draw)
    mask, shares, top = many.masks[shown - 1], alexnet.probabilities, int(many.scaled.argmax())
    three = {
        "this mask": shares(many.sums[shown - 1]).tolist(),
        "mean of masks": shares(many.sums[:shown].mean(axis=0)).tolist(),
        "all, × (1 − p)": shares(many.scaled).tolist(),
    }
    drawn = [
        lessons_alexnet.mask(
            f"Mask {shown} of {masks}: {int(mask.sum()):,} of {len(mask):,} units", layer.units, mask.tolist()
        ),
        lessons_alexnet.three_answers("What the network says", CIFAR10_NAMES, three),
        lessons_alexnet.mean_of_masks(
            f"The mean of {shown} mask{'s' if shown > 1 else ''}: {many.away[shown - 1]:.1%} away", many, shown
        ),
    ]
    return (
        charts(drawn, columns="1fr 1fr 1fr", areas=("mask answers mean",)),
        pieces.words(
            f"The sum for {CIFAR10_NAMES[top]} is **{many.sums[:, top].mean():.2f}** in the mean of {masks} masks, "
            f"**{many.whole[top]:.2f}** when all units speak, **{many.scaled[top]:.2f}** when each is scaled by 1 − p. "
            "PyTorch divides by 1 − p while training instead, which comes to the same."
        ),
    )


DROPOUT = Lesson(
    "dropout",
    (
        Number("p", "p", 0.5, 0.0, 0.9, 0.05, "AlexNet: 0.5."),
        Choice("masks", "Masks", 100, NUMBERS_OF_MASKS, "How many are drawn.", slider=True),
        Number("draw", "Draw", 0, 0, 9999, help="Other masks.", slider=False),
    ),
    _dropped,
    about=True,
)


def augmentation() -> None:
    """Crops and mirror images drawn on the picture, their number, and the answers over ten crops."""
    st.markdown(
        "Every crop of a picture, and its mirror image, shows the same thing: more to learn from, for nothing. "
        "**How many are there, and do ten of them get one answer?**"
    )
    options = cache.as_learned(_offered(SMALL)[0])
    seen = _picture(options)
    url = cache.jpeg_url(as_received(seen.image, card(options.network), (COVER, COVER)))
    about = (("crops", options.network, seen.digest), url)

    @st.fragment
    def knobs_and_crops() -> None:
        with sentences():
            values = CROPS.turned(about)
            left, right = st.columns([7, 5], gap="medium")
            with left:
                CROPS.show(values, url)
            with right:
                _ten_answers(options, seen, values["cover"], values["crop"])

    knobs_and_crops()


def _crops(picture: str, crops: str, cover: int, crop: int, mirror: bool, draw: int) -> Sequence[str]:
    found = alexnet.ten_crops(cover, crop)[: 10 if mirror else 5]
    if crops == "random":
        found = alexnet.random_crops(cover, crop, 8, mirror, draw)
    places = alexnet.positions(cover, crop)
    said = f"{places} × {places} positions" + (", each also mirrored." if mirror else ".")
    if (cover, crop, mirror) == (COVER, 224, True):
        said += (
            " The paper says **2,048** = 32 × 32 × 2 (section 4.1); a crop of 224 has 33 places along 256, so there "
            "are **2,178**."
        )
    words = (
        pieces.numbers({"Crops": f"{places**2 * (1 + mirror):,}"}),
        pieces.words(said),
        pieces.note("Dashed: mirrored. Each frame is drawn a little smaller than the one before."),
    )
    drawn = charts([lessons_alexnet.crops_on(picture, cover, found, crop)], columns="1fr", areas=("crops",))
    return (pieces.beside([drawn], words),)


COVER = 256  # pixels: the sides of AlexNet's pictures
CROPS = Lesson(
    "crops",
    (
        Choice("crops", "Crops", "ten", ("ten", "random")),
        Number("cover", "Picture", COVER, 225, 320),
        Number("crop", "Crop", 224, 128, 224, 8),
        Switch("mirror", "Mirror", True),
        Number("draw", "Draw", 0, 0, 9999, slider=False, unless=("crops", "ten")),
    ),
    _crops,
    about=True,
)


def _ten_answers(options: Options, seen: Picture, cover: int, side: int) -> None:
    own = cache.graph_of(options).input_shape[1]
    large = max(own, round(own * cover / side))

    found = _computed(
        ("ten crops", seen.digest, large),
        lambda module, device, _: alexnet.answers(
            module,
            to_input(seen.image, card(options.network), (large, large))[0],
            alexnet.ten_crops(large, own),
            own,
            device,
        ),
        options,
    )
    _chart(lessons_alexnet.answers_over_crops(CIFAR10_NAMES, found.value), "answers over crops")
    best = found.value.argmax(axis=1)
    agreed = int((best == found.value.mean(axis=0).argmax()).sum())
    st.caption(
        f"{agreed} of ten crops say what their mean says. Crops of {own} in {large} × {large} pixels, "
        f"the same share of the picture. With {found.weights}, on {found.device}."
    )


def two_towers() -> None:
    """One tower beside two: which unit reads which, and what that costs."""
    rows = alexnet.towers()
    one, two = (sum(row.one for row in rows), sum(row.two for row in rows))
    st.markdown(
        "AlexNet was split over two GPUs, and conv2, conv4 and conv5 read the maps of their own GPU only. "
        f"**Where are the {one - two:,} parameters that one tower has more?**"
    )
    with st.container(horizontal=True):
        st.metric("One tower", f"{one:,}", width="content")
        st.metric("Two towers", f"{two:,}", width="content")
        st.metric("Difference", f"{one - two:,}", width="content")
        for name, value in (("MACs, one", "macs_one"), ("MACs, two", "macs_two")):
            st.metric(name, f"{sum(getattr(row, value) for row in rows):,}", width="content")
    _chart(lessons_alexnet.which_reads_which(rows), "who reads whom")
    st.caption(
        "Each field: the maps that a layer reads from left to right, its own units from top to bottom; filled where a "
        "unit reads. Below: parameters of two towers, and how many fewer than one tower has. Half of a "
        "field is half of the weights; biases stay."
    )
    frame = lessons_alexnet.tower_rows(rows)
    number = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        frame, hide_index=True, column_config=dict.fromkeys(frame.columns[1:], number), placeholder="", key="towers"
    )


def worth() -> None:
    """What each idea is worth on a small AlexNet, out of the bundled logs."""
    st.markdown(
        "Each idea is left out of a small AlexNet in turn; all else is equal. **Which of them is it worse without, and "
        "which does it do better without?**"
    )
    rows = alexnet.worth()
    _chart(lessons_alexnet.what_is_lost(rows, IDEA_NAMES), "worth")
    frame = lessons_alexnet.worth_rows(rows, IDEA_NAMES)
    one_digit = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(frame, hide_index=True, column_config=dict.fromkeys(frame.columns[1:], one_digit), key="worth rows")
    st.caption(
        f"Bundled logs of our own training: alexnet-cifar on CIFAR-10, 8 epochs, {len(rows[0].accuracies)} seeds. "
        "Dropout and augmentation are there against overfitting, for which 8 epochs are too short: with all four, the "
        "training error is above the held-out one. It is measured on what is learned from: augmented, through dropout."
    )


# --- what the ideas share ------------------------------------------------------------


def _offered(keys: tuple[str, ...] | list[str]) -> list[str]:
    return [key for key in keys if key in cards()]


def _picture(options: Options) -> Picture:
    """The picture, and small beside its controls what the network receives of it."""
    controls, small = st.columns([9, 1], vertical_alignment="bottom")
    with controls:
        seen = picture.choice(options)
    shown, _ = cache.received(options.network, options.size, seen.digest, seen.image)
    small.image(shown, width=state.px(64), alt=f"The picture as {options.network} receives it")
    return seen


def _picture_and_network(keys: list[str]) -> tuple[Picture, Options]:
    """The picture, and the network whose maps are looked at."""
    offered = _offered(keys)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with right:
        key = st.selectbox("Maps of", offered, key="on", bind=state.BOUND, help="Of its first ReLU.")
    options = cache.as_learned(key)
    with left:
        seen = _picture(options)
    return seen, options


def _computed(what: tuple[Hashable, ...], work: Callable[..., Any], options: Options) -> Outcome[Any]:
    with waiting(f"Running {options.network} …") as on_wait:
        return cache.run(what, work, options, on_wait)


def _first_maps(seen: Picture, options: Options) -> tuple[str, Outcome[Any]]:
    """What the network's first ReLU gives for the picture."""
    path = next(layer.path for layer in cache.graph_of(options).layers if layer.op == "relu")
    found = _computed(
        ("maps", seen.digest, path),
        lambda module, device, _: alexnet.maps_of(module, as_input(seen.image, options, device), path),
        options,
    )
    return path, found


def _behind(found: Outcome[Any], what: str = "") -> None:
    """With which weights something was found."""
    what = f": {what}" if what else ""
    if found.trained is False:
        st.caption(f":material/casino: With {found.weights}, on {found.device}: what random filters see{what}.")
    else:
        st.caption(f":material/neurology: With {found.weights}, on {found.device}{what}.")


def _chart(figure: object, key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=f"chart {key}", config=PLAIN)


IDEAS: dict[str, Callable[[], None]] = {
    "ReLU": relu,
    "LRN": normalisation,
    "Pooling": pooling,
    "Dropout": dropout,
    "Augmentation": augmentation,
    "Two towers": two_towers,
    "Worth": worth,
}
