"""`python -m analyzer` is the `analyzer` command."""

from analyzer.cli.main import run

if __name__ == "__main__":
    run()
