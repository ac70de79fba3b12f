"""Home: the state of today, for whoever is at work."""
