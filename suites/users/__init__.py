"""What users do: sizes, pauses, volume, and what nobody asked for."""
