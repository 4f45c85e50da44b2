"""Verifies one webhook with the reference library of Standard Webhooks.

Reads JSON {secret, headers, body_base64} from standard input. Exits with 0 if it is genuine, with 1 if it
is refused, and says why.
"""

import base64
import json
import sys
import traceback

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def main() -> int:
    given = json.load(sys.stdin)
    body = base64.b64decode(given["body_base64"])
    try:
        Webhook(given["secret"]).verify(body, given["headers"])
    except WebhookVerificationError as refusal:
        print(refusal)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        traceback.print_exc()
        sys.exit(2)
