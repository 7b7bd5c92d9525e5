"""Weight sharing and relaxations: supernets, their training, and what it leaves behind."""
