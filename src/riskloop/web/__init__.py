"""The web app: pages for people, in the process and on the port of the service."""
