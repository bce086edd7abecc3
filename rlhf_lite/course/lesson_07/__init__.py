"""Lesson 07, BERT and prompting.

    figures               who may look where, and guesses side by side
    seed_files            what its studies have in common
    pair                  two models from the same numbers: one fills in, one continues
    scoreboard            both measured alike: blanks, continuing, writing, a classification
    pair_study            the pair over seeds
    fates_study           80/10/10 against blanks only, over seeds
    heads_study           a new head on their bodies, over seeds
    blank_box             choose a word to hide, see both models' guesses
    wordings              one question in eight wordings, answered by log-probability
    few_shot              zero-, one- and few-shot with controls, over seeds
    example_box           edit the examples of a prompt, see the base model's answer
    held_out_tasks        instruction tuning measured on a use case that it never saw, over seeds
    exercises_masking     exercises on filling in, on tensors
    exercises_prompting   exercises on prompts and options
    quiz                  questions
"""
