"""dpvs.conf of a deployment (seed 2.4): every port with its queues, every worker with its own."""

from __future__ import annotations

from dpvs_acceptance.dpvs.conf import ConfSpec, DeviceSpec, WorkerSpec, render
from dpvs_acceptance.dpvs.versions import VersionFacts
from dpvs_acceptance.model.deployment import Deployment
