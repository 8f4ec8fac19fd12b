"""The walk of an event: from the envelope to facts, to values, to a decision and its record, at every decision point; and both replays."""
