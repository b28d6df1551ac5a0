"""The mathematics of the demonstrations, one file a lesson; each works without the app."""
