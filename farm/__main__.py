"""`python -m farm`: the same as the program `farm`."""

from farm.cli.start import main

if __name__ == "__main__":
    main()
