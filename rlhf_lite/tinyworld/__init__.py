"""A small synthetic world in which the whole of RLHF can be measured against a known truth.

In reading order: words (who and what exists, and what is true), corpus (texts to pretrain on), prompts (what users
ask, and what a good answer needs), judge (the truth about an answer), labelers (forty people who demonstrate and
rank), few_shot and translation (material for single lessons).
"""
