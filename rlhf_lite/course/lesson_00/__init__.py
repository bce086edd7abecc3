"""Lesson 00, start here.

    exercises  exercises with their checks and solutions
    quiz       questions
"""
