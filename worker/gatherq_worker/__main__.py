from gatherq_cli.main import main

main(prog_name="gatherq")
