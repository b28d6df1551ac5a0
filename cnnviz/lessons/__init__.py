"""The mathematics of the demonstrations, one file a lesson; it works without the app: `from cnnviz import lessons`."""
