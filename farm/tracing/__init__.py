"""Traces of the farm's work, sent by OpenTelemetry where that is asked for; nothing else costs anything."""
