"""Lesson 10, the reward model.

    labels              the reader's rankings, in a local file; agreement with others and the judge
    pool                labels of a whole room: one file, with everybody's agreement
    tasks               prompts with answers to rank
    refit               a reward model goes on learning from a few labels
    reward_study        pairs together or apart, and what refits bring, measured on whole runs
    figures             figures
    ranking_widget      a widget in which the reader ranks answers
    exercises           exercises with their checks and solutions
    exercises_measures  exercises on measures
    quiz                questions
"""
