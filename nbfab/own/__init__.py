"""Own: a certificate of the user's own with its chain and its key, checked before anything is done with them.

It reads no files (`run.own_certificate` does), and knows no host: which names a certificate has to be for, a plan says.
"""
