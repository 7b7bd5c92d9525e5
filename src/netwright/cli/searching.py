"""`netwright search` and `netwright resume`: run a search, show how it goes, say what came of it."""


def search(*a, **k):
    return 0


def resume(*a, **k):
    return 0
