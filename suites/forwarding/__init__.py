"""What DPVS does with packets (seed 3)."""
