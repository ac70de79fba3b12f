"""The demo carrier: a real SMPP 3.4 server that can be slow, late, flaky and rude on purpose."""
