"""Files in: tables of any usual form, read in bounded pieces and judged row by row."""
