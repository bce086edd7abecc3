"""Lesson 00, start here.

    exercises  exercises with their checks and solutions
    quiz       questions
    texts_zh   what the lesson says, in Chinese
"""
