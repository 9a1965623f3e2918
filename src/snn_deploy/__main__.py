"""`python -m snn_deploy`: the command `snn-deploy`, where its folder is not on the PATH."""

from snn_deploy.cli.main import main

if __name__ == "__main__":
    main(prog_name="snn-deploy")
