"""Measurements of this machine: speed against transformers, memory and efficiency beside the plan.

    machine               what the machine is, its matrix peak, and what a run took of it
    against_transformers  tokens per second of training and sampling, against transformers
    plan_check            some steps of each stage beside their plan: memory, seconds, share of the matrix peak
"""
