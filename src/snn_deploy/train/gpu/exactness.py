"""exactness: torch's own operations on a GPU as exact as on a CPU, and the same in every run."""

import torch


def make_exact() -> None:
    """Turn TF32 off, which rounds weights and gradients to 10 bits, and leave cuDNN its deterministic algorithms only.

    For this process: torch has no narrower switch that holds for backward passes too.
    """
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
