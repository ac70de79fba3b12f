"""What follows what: the switchboard of this room."""
