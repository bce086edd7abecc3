"""What a run needs before it starts: FLOPs, bytes, time and money of every size up to 175B.

    recipes        every size of the recipe, each setting with its source
    costs          FLOPs and bytes of a model, from its shape alone
    workload       what each stage does, whatever it runs on
    peak_memory    a stage's memory at its fullest moment
    machine_speed  how fast a machine does the pieces that models are made of
    step_time      how long a step takes on such a machine
    plan           memory, time and money of each stage on a cluster
    traced_memory  what a sharded training step would hold, without memory to hold it
    memory_fit     how much of a batch to take at once, so that a run fits into a GPU
    tables         presets and plans as tables, for the command line
"""
