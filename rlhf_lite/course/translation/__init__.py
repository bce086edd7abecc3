"""What lessons 03 and 04 share: one translation task and three models of equal size.

    pinyin         how the Chinese words of the task are read
    alignments     figures of which word translates which, and of where a model looks
    translators    the task and its three models
    scoreboard     how well and how fast each of them translates
    translate_box  the reader's own sentences, translated by each of them
"""
