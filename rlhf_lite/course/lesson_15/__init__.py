"""Lesson 15, chat.

    dialogue_training    every turn of the assistant is learnt
    history              what of a conversation fits into the context
    turn_tests           the same question asked alone and within a dialogue
    few_shots            what examples in the prompt are worth
    chat_study           second and third turns over seeds, and what examples are worth, as a command
    moderation           a filter before the output: texts of known truth, a rule, a trained filter
    streaming            an answer that appears while it is written
    thumbs               thumbs become comparisons
    conversation         a conversation, answers drawn again, thumbs
    filter_cost          what a filter costs in help
    chat_box             the chat widget
    figures              what is learnt of a dialogue, one question asked in two ways, shares
    exercises_dialogues  exercises on dialogues
    exercises_filter     exercises on the filter and on thumbs
    quiz                 questions
"""
