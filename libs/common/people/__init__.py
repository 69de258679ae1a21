"""People and organisations: their numbers, and the sealing and masking of what identifies them."""
