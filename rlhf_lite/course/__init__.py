"""What lessons share, in reading order; lessons import this package, the library never does.

    safe_text        text of data, models and readers stays text, in pages and in figures
    languages        the language in which lessons speak, and its texts
    texts_zh         what lessons share, in Chinese
    figures          figures in one quiet style, each with its words
    static_fallback  what widgets share: something to read where nothing runs, keys, bars
    source           the library's own text, to read in a lesson
    answers          answers of several models side by side
    progress         what the reader has done, in a local file
    checks           is an attempt at an exercise right, and if not, why
    quiz             questions with explanations
    translation      a room for lessons 03 and 04: one translation task, three models
    lesson_00        one room per lesson: its exercises, quiz, figures and widgets
    lesson_01
    lesson_02
    lesson_03
    lesson_04
    lesson_05
    lesson_06
    lesson_07
    lesson_08
    lesson_09
    lesson_10
    lesson_11
    lesson_12
    lesson_13
    lesson_14
    lesson_15
    lesson_16
    setup_code       a short code that says how a machine is set up
    lessons          all lessons, and the overview of what is done
    translated       is a translated lesson what the English one is, and if not, where?
    glossary         the terms of the course in two languages
    rerun            run lessons anew and store them without what differs between runs
    bundle_wheels    which wheels does a machine of another kind need?
    bundle_install   install the course from a bundle, without a network
    bundle           everything that an installation without a network needs, in one folder
    graded_process   one reader's exercises in a process of their own
    judging          one submitted notebook: which exercises are right?
    grading          a folder of submitted lessons: which exercises are right?
    classroom        for teachers: copies, exports, slides
"""
