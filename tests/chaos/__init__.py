"""The whole house under `kill -9`: what was accepted is kept, sent once, paid once.

`story.play` tells one run: bursts of messages sent by a good client, a fault in the middle of each, and then patience.
`judge` reads the verdict from the carrier's own log and the books.  Nothing of the product is shortened for it.
"""
