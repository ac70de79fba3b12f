"""The pages of this room, a file for each part of it."""
