"""MySQL and MariaDB databases as targets."""
