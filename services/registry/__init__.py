"""登记库: divisions, villages and their classes, households, persons, and the facts of each."""
