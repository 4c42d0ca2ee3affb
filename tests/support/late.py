"""How much later than promised a busy machine may be; what never ends is later still."""

LATE_SECONDS = 5.0
