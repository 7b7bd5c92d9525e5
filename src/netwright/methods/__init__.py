"""Methods by name: each is a recipe out of a strategy and, where it has its own, an evaluator."""
