"""A Stripe that needs no network: the part of its API we use, a hosted payment page, and signed webhooks.

`python -m portal.stack.stripe_sandbox --help` starts it; docs/stripe-sandbox.md says what it promises.
"""
