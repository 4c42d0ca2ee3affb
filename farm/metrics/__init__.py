"""The farm's metrics in the formats of Prometheus, out of one look at the store (farm.store.observation)."""
