"""What the processes tell of themselves: metrics for Prometheus, traces for OpenTelemetry."""
