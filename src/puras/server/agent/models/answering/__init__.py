"""The process that asks the providers: the one place that imports their libraries."""
