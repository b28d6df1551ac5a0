"""Pieces of HTML: what is said in them stays words."""

from cnnviz.views import pieces


def test_words_may_be_bold_and_are_never_tags():
    assert pieces.words("a **b** < c") == "<p>a <strong>b</strong> &lt; c</p>"
    assert pieces.note("1 & 2") == "<p class='note'>1 &amp; 2</p>"


def test_a_number_stands_under_its_name():
    assert pieces.numbers({"Saving": "28.0 %"}) == "<dl class='numbers'><div><dt>Saving</dt><dd>28.0 %</dd></div></dl>"


def test_a_tables_first_column_names_its_rows():
    shown = pieces.table([{"": "weights", "one 5 × 5": "25"}], "it's compared")
    assert "<thead><tr><td></td><th scope='col'>one 5 × 5</th></tr></thead>" in shown
    assert "<tr><th scope='row'>weights</th><td>25</td></tr>" in shown
    assert "aria-label='it&#x27;s compared'" in shown
