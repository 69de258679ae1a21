"""The HTTP edge: problems, tokens, permissions, paging, idempotency, limits and the API docs."""
