"""What Prometheus is told.  Reading happens when it asks, so that no message costs anything for it."""
