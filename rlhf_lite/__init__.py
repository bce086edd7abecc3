"""The whole InstructGPT recipe on one small model.

The core, in reading order; each module imports only modules above it:

    masked      averages over the real entries of a padded tensor
    files       files that appear whole or not at all, read with care
    bpe         byte-level byte-pair encoding, by hand
    tokenizer   the same, fast, with special tokens and a chat template
    data        from texts to packed windows, padding and masks
    records     demonstrations, comparisons and prompts, from text to padded batches
    attention   scaled dot-product attention, many heads, causal mask
    seq2seq     GRU encoder-decoder, with one context or with additive attention
    transformer blocks; encoder-decoder Transformer
    gpt         GPT, its configuration, and a model that gives one number per token
    bert        the same blocks, attending both ways
    generate    sampling
    likelihood  log-probabilities, losses on them, KL
    optim       learning rate and optimizer step
    engine      one device or many processes, precision, micro-batches
    checkpoint  stopping and going on
    pretrain    stage 0: predict the next token of everything
    sft         stage 1: copy demonstrations
    reward      stage 2: learn a score from rankings
    rollout     stage 3, first half: answers, rewards, advantages
    ppo         stage 3, second half: PPO and PPO-ptx
    evaluate    answers of many sources, win rates with intervals, accuracies, calibration
    presets     what to train with, from nano to gpt2; what each stage used
    comparisons answers for labelers to rank: drawn from models, written by people
    pipeline    all stages in order, each done once

Rooms beside the core; each imports the core and rooms above it, and its own docstring lists its modules in reading order.
The core imports no room but `kernels`.

    kernels      what makes it fast without being taught
    hf           GPT-2's weights and tokenizer in, our models out, for Hugging Face
    real_data    a reader's rows, the hub's rows
    planning     FLOPs, bytes, time and money before a run
    benchmarks   speed and memory of this machine, measured
    reports      a run as a page with pictures
    gpt2_recipe  a released GPT-2 on people's comparisons, in one command
    tinyworld    the synthetic world with a known truth
    studies      claims measured over whole runs and several seeds
    course       what lessons share

Neither the core nor a room above `tinyworld` imports `tinyworld`, `studies` or `course`. Only `__main__`, the command line,
joins them.
"""
