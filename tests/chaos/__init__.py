"""The whole house under `kill -9`: what was accepted is kept, sent once, paid once.

`story.play` tells one run: requests, codes and campaigns of twenty organisations through three carriers, faults of every kind
meanwhile, and then patience.  `judge` reads the verdict from the carriers' own logs and the books.  Nothing of the product
is shortened for it.
"""
