"""Results as text, tables and pictures; nothing here computes a number, imports torch or knows Streamlit."""
