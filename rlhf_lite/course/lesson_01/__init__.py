"""Lesson 01, next-token prediction.

    exercises         exercises with their checks and solutions
    quiz              questions
    sampling_sliders  sliders for temperature, top-k and top-p
"""
