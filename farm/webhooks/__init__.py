"""Telling others that a batch has ended: signed, durable, at least once (Standard Webhooks)."""
