"""How work goes on beyond a request: jobs."""
