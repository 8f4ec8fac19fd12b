"""Who came together: rare keys that accounts share, their clusters, bursts of keys, and keys that come back. `engine.graph` is made of them."""
