"""Users' traffic: sizes, times and volumes that users have, not only single requests."""
