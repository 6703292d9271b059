"""Programs that operators run against an AWS account."""
