"""Measurements of this machine: speed against transformers, memory and efficiency beside the plan.

    machine               what the machine is, its matrix peak, and what a run took of it
    against_transformers  tokens per second of training and sampling, against transformers
    plain_gpt             a small GPT and its training in plain PyTorch, to be measured against
    shakespeare           seconds to a validation loss, measured against that
    plan_check            some steps of each stage beside their plan: memory, seconds, share of the matrix peak
"""
