"""Lesson 13, PPO-ptx.

    two_jobs             a toy that pays an alignment tax, and sliders for both coefficients
    figures              figures
    exercises_objective  exercises on the objective
    exercises_rollout    the capstone's exercises on what a rollout fixes
    exercises_updates    the capstone's exercises on the two training steps
    exercises_measuring  an exercise on measuring
    quiz                 questions
"""
