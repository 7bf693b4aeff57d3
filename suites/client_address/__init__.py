"""What a real server learns of the client (seed 4)."""
