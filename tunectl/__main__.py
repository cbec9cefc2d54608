"""`python -m tunectl` is the same command as `tunectl`."""

from tunectl.cli.main import main

if __name__ == "__main__":
    main()
