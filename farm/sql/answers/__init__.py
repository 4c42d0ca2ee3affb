"""From what a model said to texts that may be the query."""
