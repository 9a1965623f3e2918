"""A training of a few seconds, for tests of what is around it."""

SMALL_CONFIG = """
steps = 2
[data]
name = "digits"
[model]
layers = "4C3-P2-10"
[training]
epochs = 2
batch_size = 64
samples = 400
measured_samples = 0
"""
