"""The peer of `cnnviz bench ui`: as little as a Streamlit app can do at a click in a component."""

import streamlit as st


@st.cache_resource
def _button():  # type: ignore[no-untyped-def]
    return st.components.v2.component(
        "cnnviz.bench.button",
        html="<button type='button'>Next</button>",
        js="""export default function ({ parentElement, setTriggerValue }) {
          parentElement.querySelector("button").onclick = () => setTriggerValue("pick", "next")
        }""",
    )


def _next() -> None:
    st.session_state.line = st.session_state.get("line", 0) + 1


_button()(key="button", on_pick_change=_next)
st.markdown(f"Line {st.session_state.get('line', 0)}")
