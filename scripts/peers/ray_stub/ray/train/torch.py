"""TorchTrainer as Ray Train documents it: the function runs in every worker, where the process group and its variables stand."""

import multiprocessing
import os

import torch.distributed as dist


def _worker(function, rank, scaling):
    world = scaling.num_workers
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world))
    dist.init_process_group("gloo")  # before the function, as Ray does
    function()
    dist.destroy_process_group()


class TorchTrainer:
    def __init__(self, train_loop_per_worker, *, scaling_config):
        self.function, self.scaling = train_loop_per_worker, scaling_config

    def fit(self):
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29619")
        fork = multiprocessing.get_context("fork")
        ranks = range(self.scaling.num_workers)
        workers = [fork.Process(target=_worker, args=(self.function, rank, self.scaling)) for rank in ranks]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        codes = [worker.exitcode for worker in workers]
        if any(codes):
            raise RuntimeError(f"workers ended with {codes}")
