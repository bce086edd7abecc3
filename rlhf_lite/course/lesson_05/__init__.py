"""Lesson 05, GPT.

    shape_sliders       sliders for a GPT's shape: parameters by part, FLOPs, memory
    figures             figures
    exercises_sizes     exercises on sizes
    exercises_training  a training step, whole
    exercises           all others, with their checks and solutions
    quiz                questions
"""
