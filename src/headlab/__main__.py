"""`python -m headlab`: the same as the command `headlab`."""

from headlab.cli.main import run

if __name__ == "__main__":
    run()
