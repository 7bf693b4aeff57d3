"""`python -m faults`: every fault that --fault can make, with what it breaks."""

from faults.model import load_faults

for fault in load_faults():
    print(f"{fault.name:<40} {' '.join(fault.red):<10} {fault.breaks}")
