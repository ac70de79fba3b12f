"""A small believable world to try the house in, made through the product's own actions."""

from .world import is_planted, plant, point_at_carrier

__all__ = ["is_planted", "plant", "point_at_carrier"]
