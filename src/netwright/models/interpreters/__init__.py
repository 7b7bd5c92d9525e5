"""What `Space.build`, `Space.source` and `Space.profile` look up by name; each module registers its functions."""
