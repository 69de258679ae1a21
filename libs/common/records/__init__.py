"""Records that prove what happened: audit, reads of personal data, seals."""
