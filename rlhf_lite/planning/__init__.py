"""What a run needs before it starts: FLOPs, bytes, time and money of every size up to 175B.

    recipes      every size of the recipe, each setting with its source
    cluster      what a run has to work with
    costs        FLOPs and bytes of a model, from its shape alone
    workload     what each stage does, whatever it runs on
    peak_memory  a stage's memory at its fullest moment
    plan         memory, time and money of each stage on a cluster
    tables       presets and plans as tables, for the command line
    memory_fit   the engine's settings with which a run of GPT-2 fits into a GPU
"""
