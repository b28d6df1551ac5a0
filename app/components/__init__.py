"""Our own components, one folder each: Python, JavaScript and CSS side by side, no front-end build."""
