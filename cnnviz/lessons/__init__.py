"""The mathematics of the lessons: one file a page, each of which works without the app."""
