"""Whether two queries differ in spelling alone."""
