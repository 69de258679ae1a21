"""Events: the catalogue, the envelope, and the way from one service's outbox to another's inbox."""
