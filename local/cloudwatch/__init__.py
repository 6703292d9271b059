"""A local CloudWatch: the metrics of a run, and the alarms of the template on them."""
