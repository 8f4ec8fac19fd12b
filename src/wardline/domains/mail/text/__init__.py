"""The text models of mail: what they read of a message, what they learn, from whom, and what a fresh installation begins with."""
