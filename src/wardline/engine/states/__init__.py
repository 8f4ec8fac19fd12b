"""What the engine keeps in memory as a function of the journal: applied in one order, saved, and read back."""
