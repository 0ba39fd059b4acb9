"""What must happen per account, as one function each, whoever runs it: the command line, a service, a worker."""
