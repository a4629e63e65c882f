import json
import sys
import time


def burn():
    return json.dumps(list(range(9000)), indent=1)


end = time.time() + float(sys.argv[1])
while time.time() < end:
    burn()
