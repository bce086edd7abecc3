"""Lesson 01, next-token prediction.

    exercises_tensors  counting pairs and a training step, on tensors
    exercises          counting, drawing, knobs, perplexity, each with its check and solution
    figures            pieces of the line from 0 to 1, surprise, a loss that falls
    quiz               questions
    sampling_sliders   sliders for temperature, top-k and top-p
    texts_zh           what the lesson says, in Chinese
"""
