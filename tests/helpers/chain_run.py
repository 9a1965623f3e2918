"""A config of layers in a row that trains in a second, whose norm leaves weights as they are, for tests of fitting."""

CHAIN = {
    "seed": 1,
    "steps": 3,
    "data": {"name": "digits"},
    "model": {"layers": "6C3-P2-8C3-12-10"},
    "norm": {"name": "scale_tdbn"},
    "training": {"epochs": 1, "samples": 200, "measured_samples": 0, "batch_size": 50, "threads": 1},
}
