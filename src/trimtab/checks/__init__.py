"""What experience says about an estate that loads: findings with file, line, reason and remedy. README.md beside this."""
