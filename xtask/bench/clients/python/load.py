"""What it costs to import an SDK and to make a client. Argument: `novai` or `openai`. Says `CPU_MS RSS_KIB MODULES`."""

from __future__ import annotations

import sys
import time

before_modules, before = len(sys.modules), time.process_time()
if sys.argv[1] == "openai":
    from openai import OpenAI as Client
else:
    from novai import NovAI as Client
Client(api_key="sk-bench", base_url="http://127.0.0.1:9/v1")
cpu_ms = (time.process_time() - before) * 1000
modules = len(sys.modules) - before_modules

with open("/proc/self/status") as status:
    rss_kib = next(line.split()[1] for line in status if line.startswith("VmRSS:"))
print(f"{cpu_ms:.1f} {rss_kib} {modules}")
