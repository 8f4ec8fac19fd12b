"""Who really sent a message: SPF, DKIM, DMARC and ARC, checked here or taken from a trusted host."""
