"""All lessons whose answers depend on their knobs alone, by name."""

from app.panels import alexnet, compare, inception, kernels, lenet, shortcuts

LESSONS = {
    lesson.name: lesson
    for lesson in (
        *(kernels.COST, shortcuts.TRAINING, lenet.TABLE, lenet.OUTPUT, inception.MODULE, inception.SIZES),
        *(alexnet.LRN, alexnet.POOLING, alexnet.DROPOUT, alexnet.CROPS),
        compare.ACCURACY,
    )
}
