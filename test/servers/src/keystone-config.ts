import { join } from 'node:path';

/** keystone.conf: SQLite, tokens that carry what they say, and hashes of passwords that are quick to make. */
export function keystoneConfig(folder: string, port: number): string {
  return `[DEFAULT]
log_file = ${join(folder, 'log')}
public_endpoint = http://127.0.0.1:${port}
[database]
connection = sqlite:///${join(folder, 'keystone.db')}?timeout=60
[token]
provider = fernet
[fernet_tokens]
key_repository = ${join(folder, 'fernet-keys')}
[credential]
key_repository = ${join(folder, 'credential-keys')}
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_algorithm = bcrypt
password_hash_rounds = 4
`;
}

/**
 * Python: the public API on a port of 127.0.0.1, with a thread for each connection, so that an idle
 * one holds up nobody; requests are answered one at a time, because Keystone makes much of itself
 * when it is first asked, and two that come together then make it fail for good.
 */
export const keystoneScript = `
import io, socketserver, sys, threading
from wsgiref import simple_server
from keystone.server.wsgi import initialize_public_application

class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128

class Handler(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass

port = int(sys.argv.pop())
keystone = initialize_public_application()
turn = threading.Lock()

def application(environ, start_response):
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    environ['wsgi.input'] = io.BytesIO(body)
    with turn:
        return [b''.join(keystone(environ, start_response))]

simple_server.make_server('127.0.0.1', port, application, Server, Handler).serve_forever()
`;
