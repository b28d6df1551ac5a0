import pytest
from fillable import small

from cnnviz.weights import initialise


@pytest.fixture
def filled():
    module = small()
    initialise(module, seed=7)
    return module
