"""What the names of a query mean: scopes, sources, columns, and whose aggregate one is."""
