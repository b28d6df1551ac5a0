"""LeNet-5: its connection table, the digits that its output compares with, and which 60,000 parameters it has."""

import streamlit as st

from app.boundary import sentences
from app.components.answer import answers
from app.panels import lenet

with st.container(horizontal=True):
    st.subheader("LeNet-5", width="content")
    answers()
st.markdown(
    "Each map of C3 reads only some maps of S2. **What does that save, and what else does it do than save?**",
)
left, right = st.columns([11, 9], gap="medium")
with left:
    lenet.table()
with right, sentences():
    lenet.parameters()
lenet.output()
