"""The parts of the page on shortcuts: each a question, its knobs, and what comes of them."""

from collections.abc import Sequence

import streamlit as st

from app import cache, state
from app.boundary import sentences
from app.components.answer import charts
from app.components.knobs import Choice, Switch
from app.components.maps import map_grid
from app.panels import picture
from app.panels.knobs import Answer, Drawing, Lesson
from cnnviz.catalogue import Options
from cnnviz.engine.local import Picture
from cnnviz.lessons import shortcuts as lesson
from cnnviz.views import figures, pieces
from cnnviz.views import lessons_shortcuts as views


def _trained(norm: bool) -> Sequence[str]:
    found = cache.training_curves(norm)
    panels = views.training_curves(
        [(curve.network, curve.training, curve.held_out) for curve in found],
        lesson.TABLE_6 if norm else {},
        lesson.PAPER_EPOCHS,
    )
    last = [(curve.network, curve.training[-1], curve.held_out[-1], curve.diverged) for curve in found]
    return (
        charts(panels, columns="1fr 1fr", areas=("plain residual",)),
        pieces.words(views.training_sentence(last)),
        pieces.note(views.training_note(norm, lesson.PAPER_EPOCHS)),
    )


NORM = Switch("norm", "Batch norm", True, "Without it, one epoch was recorded.")
TRAINING = Lesson("training", (NORM,), _trained)


def training() -> None:
    """Plain and residual networks as they have learned here, beside the paper's."""
    st.markdown(
        "Without shortcuts, the deeper network is the worse one, on the very pictures that it learns from. "
        "**Do shortcuts turn that round?**"
    )
    _by_norm()
    st.markdown(views.paper_tables(lesson.TABLE_6, lesson.TABLE_2))


@st.fragment
def _by_norm() -> None:
    with sentences():
        TRAINING.draw()


LOGGED = (20, 56)  # depths whose trainings were recorded
OF: dict[str, lesson.Quantity] = {"its output": "maps", "its weights": "weights"}


def gradients() -> None:
    """How much of the gradient arrives at each layer, plain and residual."""
    st.markdown(
        "Plain networks get worse with depth, as their first layers hardly get a gradient: so an article says. "
        "**Do their gradients vanish?**"
    )
    knobs, result = st.columns([1, 3], gap="medium")
    with knobs:
        depth = st.select_slider("Layers", lesson.DEPTHS, 56, key="depth", bind=state.BOUND)
        norm = st.toggle("Batch norm", True, key="norm", bind=state.BOUND)
        when = "before training"
        if depth in LOGGED:
            when = st.segmented_control(
                "When", ["before training", "in training"], default=when, required=True, key="when", bind=state.BOUND
            )
        if when == "before training":
            begin = st.selectbox(
                "Weights begin as by",
                lesson.INITIALISATIONS,
                key="begin",
                bind=state.BOUND,
                help=views.INITIALISATIONS,
            )
            quantity = st.segmented_control(
                "Gradient of each layer with respect to",
                list(OF),
                default="its output",
                required=True,
                key="derived",
                bind=state.BOUND,
            )
    if when == "in training":
        with result:
            _logged_gradients(depth, norm)
        return
    with knobs:
        seen = _picture(Options(lesson.receiver(depth)))
        seed = st.number_input("Seed of the weights", 0, 9999, 0, key="chance", bind=state.BOUND)
    pair = [lesson.Untrained(depth, plain, norm, begin, seed) for plain in (True, False)]
    with result, sentences():
        with st.spinner("A backward pass …", show_time=True):
            plain, residual = (cache.gradients(one, seen.digest, seen.image, state.fit()) for one in pair)
        of = OF[quantity]
        _chart(
            views.gradient_norms(plain.layers, plain.norms(of), residual.norms(of), f"norm with respect to {quantity}"),
            "gradients",
        )
        st.markdown(views.gradient_sentence(plain.ratio(of), residual.ratio(of), plain.layers[-2]))
        st.markdown(views.who_is_right(norm, begin))
        st.caption(views.gradient_note(depth, norm))


def _logged_gradients(depth: int, norm: bool) -> None:
    found = {curve.plain: curve for curve in cache.training_curves(norm) if curve.network.endswith(str(depth))}
    _chart(
        views.logged_norms(found[True].gradients, found[False].gradients),
        "gradients logged",
    )
    st.markdown(views.logged_sentence(found[True].gradients, found[False].gradients))
    st.caption(views.LOGGED_NOTE)


def options() -> None:
    """The three kinds of shortcuts: what they cost side by side, and the graph of one."""
    st.markdown(
        "Where a block changes the shape, its input can't just be added: it is padded with zeros (A) or projected (B); "
        "or every block projects (C). **What does a projection cost?**"
    )
    _of_one_kind()


@st.fragment
def _of_one_kind() -> None:
    with sentences():
        KINDS.draw(pictures_first=True)


def _kinds(options: str, option: lesson.Shortcut) -> Answer:
    of = {letter: cache.option_of(options, letter) for letter in lesson.OPTIONS}
    chosen = of[option]
    numbers = {}
    for letter, one in of.items():
        numbers |= {f"{letter}, parameters": f"{one.params:,}", f"{letter}, MACs": f"{one.macs:,}"}
    cost = views.option_sentence(chosen.shortcut_params, chosen.shortcut_macs, chosen.projections)
    return Answer(
        (
            pieces.numbers(numbers),
            pieces.words(f"**{option}**, {views.OPTIONS[option]}: {cost} {views.unstrided_sentence(chosen.unstrided)}"),
            pieces.words(views.table_3(lesson.TABLE_3, lesson.PLAIN_34)),
            pieces.note(
                f"Drawn are two blocks of {options}, the first two of its second stage: at one the shape changes. One "
                "multiply-accumulate counts 1."
            ),
        ),
        drawings=[Drawing("option drawn", "", cache.excerpt_svg(options, option), 270, "LR")],
    )


KINDS = Lesson(
    "options",
    (
        Choice("options", "Network", "resnet34", lesson.with_options(), listed=True),
        Choice("option", "Drawn", "B", tuple(lesson.OPTIONS)),
    ),
    _kinds,
)


DAMAGES: dict[str, lesson.Damage] = {"shortcut cut": "cut", "block dropped": "drop"}


def cut() -> None:
    """A trained network without one of its shortcuts, or without a whole block."""
    st.markdown(
        "A trained network loses one of its blocks, but keeps the shortcut; or it loses the shortcut, and keeps the "
        "block. **Which does it miss more?**"
    )
    knobs, result = st.columns([1, 3], gap="medium")
    with knobs:
        key = st.selectbox(
            "Trained network",
            lesson.trained(),
            lesson.trained().index("resnet56"),
            key="trained",
            bind=state.BOUND,
        )
        can = cache.blocks_of(key)
        ways = [way for way, damage in DAMAGES.items() if any(damage in of for of in can.values())]
        state.keep_among("damage", ways[::-1])
        way = st.segmented_control("Damage", ways, default=ways[-1], required=True, key="damage", bind=state.BOUND)
        blocks = [block for block, of in can.items() if DAMAGES[way] in of]
        state.keep_among("block", blocks)
        block = st.selectbox("Block", blocks, key="block", bind=state.BOUND)
        behind = list(can)[list(can).index(block) :]
        state.keep_among("maps", behind)
        of = st.selectbox(
            "Maps of", behind, key="maps", bind=state.BOUND, help="What this block, or one behind it, gives."
        )
        seen = _picture(cache.bundled_options(key))
    with result, sentences():
        with st.spinner(f"{key} without each of its blocks …", show_time=True):
            found, weights = cache.lesion_of(key, seen.digest, seen.image, state.fit())
        st.markdown(views.lesion_sentence(key, found.intact, {way: found.unmoved(DAMAGES[way]) for way in ways}))
        _chart(
            views.lesion_bars(
                list(can),
                found.intact,
                {way: [found.answer(block, DAMAGES[way]) for block in can] for way in ways},
                block,
            ),
            "lesion",
        )
        answer = found.answer(block, DAMAGES[way])
        pair = cache.damaged_maps(key, block, DAMAGES[way], of, seen.digest, seen.image, state.fit())
        names = ("as it was trained", f"{block}, {way}")
        for place, name, said, maps in zip(st.columns(2), names, (found.intact, answer), pair, strict=True):
            with place:
                st.markdown(f"**{name}**: {views.answer(said)}")
                map_grid(maps, name=f"{of}, {name}", scale="layer", key=f"maps {name == names[0]}")
        st.caption(f"With {weights}. {views.LESION_NOTE}")


# --- what they share ---------------------------------------------------------


def _picture(options: Options) -> Picture:
    """The visitor's picture, and how it is received."""
    seen = picture.scaled(options, picture.choice(options))
    shown, size = cache.received(options.network, options.size, seen.digest, seen.image, state.fit())
    how = f"as the network receives it, {size[0]} × {size[1]}"
    st.image(shown, how, width=min(shown.width, state.px(96)), alt=f"The picture {how}")
    return seen


def _chart(figure: views.Figure, key: str) -> None:
    st.plotly_chart(figures.enlarged(figure, state.type_size()), key=key, config={"displayModeBar": False})
