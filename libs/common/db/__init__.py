"""The database: tables described once, statements compiled once, one door with row security."""
