"""The Streamlit front end: fetch the state, call cnnviz, draw."""

from cnnviz.cli import for_torch

for_torch()  # here, as whatever of the app is imported first may import torch
