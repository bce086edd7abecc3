"""Measurements of this machine: speed against transformers, memory beside the plan.

    machine               what the machine is, and what a run took of it
    bench_table           measurements of speed as a table
    against_transformers  tokens per second of training and sampling, against transformers
    plain_gpt             a small GPT and its recipe in plain PyTorch, to be measured against
    shakespeare           seconds to a validation loss, measured against that
    stage_timing          steps of each stage, really done and measured
    plan_check            the plan beside such measurements
    gpu_check             the same on a GPU
"""
