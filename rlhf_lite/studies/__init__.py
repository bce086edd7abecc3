"""Claims of the course measured over whole runs and several seeds; each study is a command that stores its rows under `data/`.

    stored            how measurements of several seeds are stored and read
    surface_features  no single surface feature of an answer gives its rank away
    exercises         what a base model can do in its own layout, and may forget
    sft_epochs        what more epochs of fine-tuning buy and cost
    claims            the README's table of claims
    substance         what models know, read and count, beside what is asked of them
    ppo_sweeps        what PPO's coefficients buy and cost
    front_picture     the README's picture, from stored results
    plain_gpt         a small GPT and its training in plain PyTorch, to be measured against
    shakespeare       seconds to a validation loss, the library against that
    ship              a finished run's models, published under data/checkpoints
    export_samples    samples of the tiny world's data
"""
