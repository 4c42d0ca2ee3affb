"""`farm top`: the Farm page in the terminal."""
