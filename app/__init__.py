"""The Streamlit front end: fetch the state, call cnnviz, draw."""
