"""What must still be true after all the traffic."""
