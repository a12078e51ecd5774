"""ray.train with what ray_train.py takes of it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ScalingConfig:
    num_workers: int
    use_gpu: bool
