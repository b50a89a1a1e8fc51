"""A mail server for tests, in a process of its own: keeps what it takes as files, and misbehaves on demand.

It ends when its standard input does, so that none outlives its test.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

options = argparse.ArgumentParser()
options.add_argument("--dir", required=True, help="where mails are kept, one file each")
options.add_argument("--port", type=int, default=0)
options.add_argument("--refuse", action="append", default=[], help="a recipient answered with 550")
options.add_argument("--busy", action="store_true", help="every mail is answered with 451")
options.add_argument("--hold", action="store_true", help="a mail is kept at once and answered when the file `release` is there")
options.add_argument("--tls", nargs=2, help="certificate and key: STARTTLS is offered and required")
options.add_argument("--user", nargs=2, help="name and password to sign in with; required")
options = options.parse_args()
taken = 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in options.refuse:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global taken
        if options.busy:
            return "451 4.3.0 come back later"
        taken += 1
        name = os.path.join(options.dir, f"{os.getpid()}-{taken:04}")
        mail = {"to": envelope.rcpt_tos, "from": envelope.mail_from, "tls": session.ssl is not None,
                "user": session.auth_data, "data": envelope.content.decode()}
        with open(name + ".new", "w") as file:
            json.dump(mail, file)
        os.rename(name + ".new", name + ".mail")
        while options.hold and not os.path.exists(os.path.join(options.dir, "release")):
            await asyncio.sleep(0.01)
        return "250 2.0.0 taken"


def sign_in(server, session, envelope, mechanism, data):
    known = data.login == options.user[0].encode() and data.password == options.user[1].encode()
    return AuthResult(success=known, handled=known, auth_data=data.login.decode())


def conversation():
    settings = {}
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        settings = {"tls_context": context, "require_starttls": True}
    if options.user:
        settings |= {"authenticator": sign_in, "auth_required": True, "auth_require_tls": bool(options.tls)}
    return SMTP(Handler(), hostname="mail.keyward.example", **settings)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(conversation, "127.0.0.1", options.port)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
