"""A quick tour of DEPy's class, for Python 3: who we are, which devices we have, what is known of one of them.

    python dep_demo.py /path/to/stoken.json [BASE_URL]

`stoken.json` is the decrypted server token. BASE_URL is another service than Apple's: `adept simulator` prints its own.
"""

import logging
import sys
from pathlib import Path

from depy import DEPy

if len(sys.argv) < 2:
    sys.exit("No path to stoken.json given, aborting.")
stoken = Path(sys.argv[1])
if not stoken.exists():
    sys.exit(f"Path to stoken at {stoken} not found, aborting.")

logging.basicConfig(format="%(message)s")
logging.getLogger("adept.depy").setLevel(logging.INFO)

mydep = DEPy()
if len(sys.argv) > 2:
    mydep.dep_api_url = sys.argv[2]
mydep.init_stoken(stoken)

myinfo = mydep.account_info()
mydevices = mydep.get_devices()
print(f"My account info:\n{myinfo}")
print(f"My devices:\n{mydevices}")

# More devices are to be had with this cursor: mydep.get_devices(cursor=..., limit=...)
print(f"More devices to follow: {mydevices['more_to_follow']}")
print(f"Current cursor index: {mydevices['cursor']}")

deviceinfo = mydep.get_device_info("C02SOMESERIAL")
print(f"My device info:\n{deviceinfo}")
