"""PostgreSQL as Django has it, with a cheaper look at whether a connection still is one (settings: ENGINE)."""
