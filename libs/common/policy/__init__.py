"""Policy: clauses as dated data, findings in three values, decisions that cite them."""
