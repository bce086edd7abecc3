"""Lesson 08, instruction data.

    writing             what labelers write where no user has written: simple, few-shot, user-based prompts
    submissions         raw submissions with defects of known truth
    exercises_cleaning  exercises on cleaning: precision and recall, personal data, overlap
    exercises_labelers  exercises on people who judge: agreement, kappa, what agreement leaves to a model
    cleaning            near copies, cleaning and its grades
    copying             a machine that only remembers, and what two ways of splitting say about it
    panel               forty labelers at their desks: votes, flags, majorities
    figures             who wrote what, heavy users, lines, intervals, votes
    cap_slider          a slider for the cap: what it keeps, and the use cases that are left
    labeling_desk       a desk for the reader, and how forty labelers decided
    quiz                questions
"""
