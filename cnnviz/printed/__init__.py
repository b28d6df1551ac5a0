"""The printed tables of `assets/printed`, cell by cell, against the numbers of a layer graph."""
