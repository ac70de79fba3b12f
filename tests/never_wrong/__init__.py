"""What must stay true while parts stand still, come back, run twice or are overrun, each beside its sabotage twin."""
