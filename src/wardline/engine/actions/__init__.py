"""What is done to entities: asked for and checked, written in the ledger, told to the receiver through an outbox."""
