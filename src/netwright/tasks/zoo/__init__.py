"""Ready-made tasks. Each module registers its functions, called with `seed` and `download`; `netwright list` names them."""
