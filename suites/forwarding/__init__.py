"""What DPVS does with packets (deployment guide, 3)."""
