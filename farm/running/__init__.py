"""Running accepted queries for people: off the event loop, bounded, cancellable, with the results kept."""
