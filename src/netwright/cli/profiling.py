"""`netwright profile`."""


def profile(*a, **k):
    return 0
