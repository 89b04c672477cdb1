"""The contract ``ownership.yaml``: its model, how it is loaded, matched and linted. Only the loader reads a file."""
