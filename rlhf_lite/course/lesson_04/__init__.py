"""Lesson 04, the Transformer.

    figures           figures
    heads             where each head looks, as a figure and in a widget
    exercises_layers  exercises on layers
    exercises         all exercises, with their checks and solutions
    quiz              questions
"""
