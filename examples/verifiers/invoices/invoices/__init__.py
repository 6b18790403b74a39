"""An example service in FastAPI, whose callers sign in with Goptri."""
