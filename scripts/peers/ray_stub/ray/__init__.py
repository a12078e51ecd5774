"""As much of Ray Train as ray_train.py calls, on this machine alone: Ray itself is too large to install for one check."""
