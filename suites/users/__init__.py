"""Traffic of users: sizes, pauses, volume, and packets that must not occur."""
