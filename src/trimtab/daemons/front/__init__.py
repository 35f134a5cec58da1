"""The watch at a proxy's front."""
