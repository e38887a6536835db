"""What stands between a skill and the machine: `layers` takes it, `probe` tells what holds here."""
