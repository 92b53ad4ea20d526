"""What a trial computes with: `run_stack`, with as many threads as the trial holds CPUs."""

import torch

from workers.run_stack import run_stack
from workers.trainable import Compute


def ready(device: str, threads: int) -> Compute:
    """Prepare this process, once. Raises RuntimeError when the trial was promised a GPU that it cannot see."""
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("this trial holds a GPU, but PyTorch finds none: install a CUDA build of PyTorch")
    torch.set_num_threads(threads)
    return run_stack
