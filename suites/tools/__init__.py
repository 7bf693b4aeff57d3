"""What dpip and ipvsadm do, print and refuse (upstream's checklist, DPI and ADM)."""
