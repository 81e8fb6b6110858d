"""`python -m dfstudy`: the command line, for the interpreter that is named."""

from dfstudy.cli.main import main

main()
