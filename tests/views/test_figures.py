"""What holds for every figure."""

from plotly.subplots import make_subplots

from cnnviz.views.figures import enlarged


def test_height_and_type_of_every_axis_grow_for_a_projector():
    figure = make_subplots(rows=2, cols=1)
    figure.update_layout(height=460)
    figure.update_xaxes(tickfont={"size": 10})
    assert enlarged(figure, 1.5).layout.height == 690
    assert [axis.tickfont.size for axis in figure.select_xaxes()] == [15, 15]
