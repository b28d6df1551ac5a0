"""How the bundled weights were made: data, recipes, and the loop that follows them.

    from cnnviz.training.recipes import recipe
    from cnnviz.training.loop import train
    train(recipe("lenet5-mnist"), folder=Path("runs/lenet5-mnist"), data=data, seed=0)

A new recipe is one declaration in `recipes.py`.
"""
