"""What lessons share, in reading order; lessons import this package, the library never does.

Each module imports only modules above it in this list:

    figures       figures in one quiet style, each with its words
    twin          widgets that leave something to read where nothing runs
    keys          keys pressed in a widget are not taken for JupyterLab's commands
    source        the library's own text, to read in a lesson
    answers       answers of several models side by side
    sampling      sliders for temperature, top-k and top-p
    progress      what the reader has done, in a local file
    labels        the reader's rankings of answers, in a local file; agreement with others and the judge
    tasks         prompts with answers to rank
    refit         a reward model goes on learning from a few labels
    checks        is an attempt at an exercise right, and if not, why
    quiz          questions with explanations
    reward_study  pairs together or apart, and what refits bring, measured on whole runs
    figures_10    figures of lesson 10
    ranking       a widget in which the reader ranks answers
    exercises_00  exercises of lesson 00, each with its solution and wrong attempts; so on for every lesson
    exercises_01
    exercises_10
    exercises_10_measures
    quiz_00       questions of lesson 00; so on for every lesson
    quiz_01
    quiz_10
    lessons       all lessons, and the overview of what is done
    rerun         run lessons anew and store them without what differs between runs
"""
