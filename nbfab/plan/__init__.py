"""What has to change: the steps of the how-to, one file per step, as pure functions of what is wanted and seen.

Nothing here runs anything; `nbfab.apply` carries the changes out.
"""
