"""The peer of a cold start in `cnnviz bench load`: Streamlit alone, and a table as long as ResNet-18's."""

import streamlit as st

st.dataframe([{f"column {column}": f"{row} x {column}" for column in range(12)} for row in range(70)])
