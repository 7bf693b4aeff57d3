"""Each forwarding mode, scheduler and policy of a service, on real packets (FWD, SCH)."""
