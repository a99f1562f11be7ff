"""One YAML preset per named experiment; installed as wsnet_cli.configs."""
