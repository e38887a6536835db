"""Who makes media: one module for each provider, behind `port.py`."""
