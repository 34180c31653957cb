"""``python -m revlayer`` is the command ``revlayer``."""

from revlayer.cli import main

main()
