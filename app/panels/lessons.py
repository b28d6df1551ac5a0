"""All lessons whose answers depend on their knobs alone, by name."""

from app.panels import alexnet, compare, in_threes, inception, kernels, lenet, shortcuts

LESSONS = {
    lesson.name: lesson
    for lesson in (
        *(
            kernels.COST,
            in_threes.STACKS,
            shortcuts.TRAINING,
            shortcuts.KINDS,
            lenet.TABLE,
            lenet.OUTPUT,
            inception.MODULE,
            inception.SIZES,
        ),
        *(alexnet.LRN, alexnet.POOLING, alexnet.DROPOUT, alexnet.CROPS),
        compare.ACCURACY,
    )
}
