"""The whole InstructGPT recipe on one small model, in reading order.

Each module imports only modules above it in this list:

    masked       averages over the real entries of a padded tensor
    bpe          byte-level byte-pair encoding, by hand
    tokenizer    the same, fast, with special tokens and a chat template
    rows         the reader's own data: JSON lines and parquet, checked row by row
    splits       de-duplication, the cap a user, splits by user
    data         from rows to padded batches and masks
    attention    scaled dot-product attention, many heads, causal mask, cache
    seq2seq      GRU encoder-decoder, with one context or with additive attention
    transformer  blocks; encoder-decoder Transformer
    gpt          GPT, its configuration, and a model that gives one number a token
    bert         the same blocks, looking both ways
    prepacked    weights laid out once, so that sampling on a CPU is faster
    generate     sampling
    likelihood   log-probabilities, losses on them, KL
    optim        learning rate and optimizer step
    machine      what the machine is and what was taken of it, for the record
    engine       one device or many processes, precision, micro-batches
    files        files that appear whole or not at all, read with care
    shards       the state of a run that many processes share
    checkpoint   stopping and going on
    pretrain     stage 0: predict the next token of everything
    sft          stage 1: copy demonstrations
    reward       stage 2: learn a score from rankings
    rollout      stage 3, first half: answers, rewards, advantages
    ppo          stage 3, second half: PPO and PPO-ptx
    evaluate     win rates with intervals, accuracies, calibration
    hf           GPT-2's weights and tokenizer in, our models out, for Hugging Face
    public_data  hh-rlhf, TL;DR and plain text from the hub, as our own files
    presets      what to train with, from nano to tiny
    sizes        every size of the recipe, up to InstructGPT's 175B, each setting with its source
    costs        FLOPs and bytes of a model, from its shape alone
    workload     what each stage does, whatever it runs on
    peak         a stage's memory at its fullest moment
    speeds       how fast a machine does the pieces that models are made of
    timing       how long a step takes on such a machine
    plan         memory, time and money of a run, before it starts
    trace        what a sharded training step would hold, without memory to hold it
    bench_table  measurements of speed as a table
    bench        speed, measured against transformers
    plain_gpt    a small GPT and its recipe in plain PyTorch, to be measured against
    shakespeare  seconds to a validation loss, measured against that
    measured_stages  steps of each stage, really done and measured
    plan_check   the plan beside such measurements
    fitting      how much of a batch to take at once, so that a run fits into a GPU
    gpu_check    the same on a GPU, where memory is planned and speed measured
    overview     presets and plans as tables, for the command line
    pipeline     all stages in order, each done once
    pictures     curves, win rates and calibration of a run
    report       a run as a page with pictures
    preferences  people's comparisons as the data of a run: cut, counted, split by prompt
    judged       models compared by a second reward model, which no training saw
    judged_page  that comparison as a page
    released     one command: a released GPT-2 through all stages on people's comparisons

Beside the library: `tinyworld`, the synthetic world that it is measured in, and `course`, what lessons share.
Both import the library; the library imports neither. Only `__main__`, the command line, joins them.
"""
