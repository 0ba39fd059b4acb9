from adept.depy import DEPy as DEPy
