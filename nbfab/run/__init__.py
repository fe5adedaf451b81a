"""The tasks on one host: look, plan and apply put together, and what comes after setup.

Nothing here prints or asks: that goes through the job's user.
"""
