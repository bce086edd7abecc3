"""Claims of the course measured over whole runs and several seeds; each study is a command that stores its rows under `data/`.

    stored            how measurements of several seeds are stored and read
    surface_features  no single surface feature of an answer gives its rank away
    exercises         what a base model can do in its own layout, and may forget
    sft_epochs        what more epochs of fine-tuning buy and cost
    claims            the table of claims about whole runs
    substance         what models know, read and count, beside what is asked of them
    ppo_sweeps        what PPO's coefficients buy and cost
    best_of_n         what picking the best of n answers gives, for every n, without training
    over_optimization what optimizing against a reward model gives and then takes
    judged_answers    what several runs answer to the same prompts, judged one by one
    small_aligned     a small aligned model against the course's base model
    paper_claims      claims of the paper and its neighbours, and what each is measured by
    paper_in_miniature what the paper and its neighbours claim, each measured again: one page
    front_picture     the README's picture, from stored results
    plain_gpt         a small GPT and its training in plain PyTorch, to be measured against
    shakespeare       seconds to a validation loss, the library against that
    model_card        what shipped models are and are not, in the hub's format, from their manifest
    ship              a finished run's models, published under data/checkpoints
    export_samples    samples of the tiny world's data
"""
