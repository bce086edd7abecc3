"""Lesson 13, PPO-ptx.

    two_jobs             a toy that pays an alignment tax, and sliders for both coefficients
    figures              figures
    exercises_objective  exercises on the objective
    exercises_measuring  exercises on measuring
    quiz                 questions
"""
