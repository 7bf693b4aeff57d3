"""What a real server sees of the client (deployment guide, 4)."""
