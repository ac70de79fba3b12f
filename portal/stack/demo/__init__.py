"""`bin/demo`: the main job of the product, played through its HTTP API beside a running house."""

from portal.stack.demo.play import demo

__all__ = ["demo"]
