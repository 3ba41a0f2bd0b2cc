"""Undo for everything a turn did to files, the shell's doings included.

Two watchers feed one record for each turn. Files that edit and write touch are read just before
and just after the call. Around a shell command a shadow git index of the project, kept in ralex's
own folder, tells which files changed. The record holds the bytes of both sides, so neither the
user's repository nor the shadow is needed to go back, and going back can itself be taken back.
"""
