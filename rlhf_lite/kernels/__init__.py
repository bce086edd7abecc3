"""What makes models fast without being taught; nothing here changes a result by more than rounding.

    packed_weights  Linear weights packed once for oneDNN, for sampling on a CPU
"""
