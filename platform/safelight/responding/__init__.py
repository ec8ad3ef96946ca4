"""From a degraded verdict to an incident, and to what the policy allows."""
