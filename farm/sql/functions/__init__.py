"""Function names that a report may call: one text file for each dialect, `#` starts a comment."""
