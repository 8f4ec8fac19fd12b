"""What people act on together: campaigns, and later reports, cases and appeals."""
