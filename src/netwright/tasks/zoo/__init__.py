"""Ready-made tasks: each module registers functions of `seed` and `download`; `netwright list` names them."""
