"""What lessons share, in reading order; lessons import this package, the library never does.

Each module imports only modules above it in this list:

    figures       figures in one quiet style, each with its words
    keys          keys pressed in a widget are not taken for JupyterLab's commands
    bars          a bar in an HTML table
    twin          widgets that leave something to read where nothing runs
    source        the library's own text, to read in a lesson
    answers       answers of several models side by side
    sampling      sliders for temperature, top-k and top-p
    two_jobs      a toy that pays an alignment tax, and sliders for both coefficients
    figures_13    figures of lesson 13
    shape_sliders  sliders for a GPT's shape: parameters by part, FLOPs, memory
    figures_05    figures of lesson 05
    progress      what the reader has done, in a local file
    labels        the reader's rankings of answers, in a local file; agreement with others and the judge
    tasks         prompts with answers to rank
    refit         a reward model goes on learning from a few labels
    checks        is an attempt at an exercise right, and if not, why
    pinyin        how the Chinese words of the translation task are read
    alignments    figures of which word translates which, and of where a model looks
    translators   lessons 03 and 04: one translation task, three models of equal size
    scoreboard    lessons 03 and 04: how well and how fast each of the three translates
    translate_box the reader's own sentences, translated by each of them
    figures_03    figures of lesson 03
    figures_04    figures of lesson 04
    heads         where each head of a Transformer looks, as a figure and in a widget
    quiz          questions with explanations
    reward_study  pairs together or apart, and what refits bring, measured on whole runs
    figures_10    figures of lesson 10
    ranking       a widget in which the reader ranks answers
    figures_12    figures of lesson 12: PPO's models, the clipped objective, lines, numbers over tokens
    token_table   one answer of a rollout, token by token, to step through
    live_ppo      PPO an iteration at a time; settings may change in between
    dashboard     PPO's curves while it trains, with sliders that act between iterations
    faults        six small changes that make PPO go wrong, for as long as a block runs
    wrong_runs    runs trained with each fault, stored, drawn to be diagnosed
    step_zero     checks before the first update, each of which finds faults
    figures_09    figures of lesson 09: masks, curves over epochs and seeds, a head that is replaced
    mask_viewer   a widget that steps through a demonstration's tokens
    transfer      keep a body, replace its head: few labels, other sentences
    exercises_00  exercises of lesson 00, each with its solution and wrong attempts; so on for every lesson
    exercises_01
    exercises_03_attention
    exercises_03
    exercises_04_layers
    exercises_04
    exercises_05_sizes
    exercises_05
    exercises_09_training
    exercises_09
    exercises_10
    exercises_10_measures
    exercises_12_diagnosis
    exercises_12_policy_gradient
    exercises_12_ppo
    exercises_13_measuring
    exercises_13_objective
    quiz_00       questions of lesson 00; so on for every lesson
    quiz_01
    quiz_03
    quiz_04
    quiz_05
    quiz_09
    quiz_10
    quiz_12
    quiz_13
    lessons       all lessons, and the overview of what is done
    rerun         run lessons anew and store them without what differs between runs
"""
