"""What makes models fast, or fit, without being taught; nothing but `muon` changes a result by more than rounding.

    fused_attention  attention by the fastest kernel that there is
    packed_weights   Linear weights packed once for oneDNN, for sampling on a CPU
    active_rows      a cache, and no work for finished rows, in sampling
    length_buckets   rows of like length read together
    aligned_output   the output layer on a GPU
    sharding         a model's matrices split over several processes
    machine_probes   whether bfloat16 and compiling pay here
    muon             an optimizer that needs fewer steps than Adam
"""
