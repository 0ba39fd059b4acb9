"""What adept costs, beside its floors. `make bench` runs all of it and writes docs/reference/benchmarks.md."""
