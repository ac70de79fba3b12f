"""This room's part of /api/v1/: recipient files, and the campaigns to them."""
