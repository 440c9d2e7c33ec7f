"""Tasks as pods of a Kubernetes cluster: an executor for the scheduler."""
