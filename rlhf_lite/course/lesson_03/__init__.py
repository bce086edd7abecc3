"""Lesson 03, sequences and attention.

    figures              figures
    exercises_attention  exercises on attention
    exercises            all exercises, with their checks and solutions
    quiz                 questions
"""
