"""A query in another dialect, where its meaning can be kept."""
