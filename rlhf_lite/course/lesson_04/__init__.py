"""Lesson 04, the Transformer.

    figures           figures
    heads             where each head looks, as a figure and in a widget
    query_toy         a query and keys to move, and the weights that follow
    exercises_layers  exercises on layers
    exercises         all exercises, with their checks and solutions
    quiz              questions
"""
