"""Answers in lines for people, one noun a file. Nothing is said here that is not in the answer."""
