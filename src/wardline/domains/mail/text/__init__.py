"""The text models of mail: what they read of a message, what they say and learn, and what a fresh installation begins with."""
