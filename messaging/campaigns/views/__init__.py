"""The pages of this room: the list, the send wizard in four steps, and the page of a campaign at work."""
