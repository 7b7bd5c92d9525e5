"""Ready-made spaces. Each module registers its functions; `netwright list` names them."""
