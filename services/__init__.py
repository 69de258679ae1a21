"""The services: each owns its data and speaks to the others by HTTP and events only."""
