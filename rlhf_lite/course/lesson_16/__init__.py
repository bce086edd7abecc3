"""Lesson 16, scaling up.

    figures            where each size stops fitting, memory by part, predictions beside measurements, the roofline
    dial               one dial from nano to 175B
    shards             tick boxes that shard
    measure            seconds, bytes and FLOPs of a step on the reader's machine
    two_processes      the same training in one process and in two
    exercises_memory   exercises on memory: parameters, state, cache, GPUs, a layer split over processes
    exercises_compute  exercises on computing: attention's share, days, a published cost, gradients in parts
    quiz               questions
"""
