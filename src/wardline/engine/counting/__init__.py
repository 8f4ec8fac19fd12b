"""Counters: how they are declared, kept and read. The contract is docs/contracts/counters.md."""
