"""Lesson 09, supervised fine-tuning.

    figures             masks, curves over epochs and seeds, a head that is replaced
    mask_viewer         a widget that steps through a demonstration's tokens
    transfer            keep a backbone, replace its head: few labels, other sentences
    exercises_training  exercises on training
    exercises           all exercises, with their checks and solutions
    quiz                questions
"""
